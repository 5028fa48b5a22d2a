// The one binary: hands the command line to the command table.
// SPDX-License-Identifier: Apache-2.0
int main(void)
{
    return 0;
}
