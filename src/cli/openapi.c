// fishplate openapi: the description of the API for programs, as this binary serves it.
// SPDX-License-Identifier: Apache-2.0
#include "cli/cli_int.h"

#include "model/openapi.h"

#include <string.h>

enum cli_exit cli_openapi(const struct cli *cli)
{
    const char *version = cli_value(cli, "version");
    const struct openapi_document *document = &openapi_documents[OPENAPI_3_1];
    if (version != NULL && strcmp(version, "3.0") == 0) {
        document = &openapi_documents[OPENAPI_3_0];
    } else if (version != NULL && strcmp(version, "3.1") != 0) {
        return cli_usage_error("There is no OpenAPI \"%s\" here: 3.1 or 3.0.", version);
    }
    if (fwrite(document->plain.ptr, 1, document->plain.len, stdout) != document->plain.len ||
        fflush(stdout) != 0) {
        fprintf(stderr, "fishplate: the document cannot be written: %m\n");
        return CLI_FAILED;
    }
    return CLI_OK;
}
