"""What a client of the API checks and makes: errors by the catalogue, tokens by their form."""
# SPDX-License-Identifier: Apache-2.0
