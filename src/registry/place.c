// Naming places.
// SPDX-License-Identifier: Apache-2.0
#include "registry/place.h"

#include <stdio.h>

struct seal_place place_of_credential(const char *customer, const char *connection,
                                      uint32_t version, char text[static PLACE_RECORD])
{
    snprintf(text, PLACE_RECORD, "%s.%u", connection, version);
    return (struct seal_place){bytes_of_text(customer), BYTES("credential"), bytes_of_text(text),
                               BYTES("secret")};
}

struct seal_place place_of_metadata(const char *customer, const char *connection)
{
    return (struct seal_place){bytes_of_text(customer), BYTES("metadata"),
                               bytes_of_text(connection), BYTES("content")};
}

struct seal_place place_of_webhook(const char *webhook)
{
    return (struct seal_place){BYTES(KEYRING_SYSTEM), BYTES("webhook"), bytes_of_text(webhook),
                               BYTES("secret")};
}

struct seal_place place_of_replay(const char *customer, const char *replay)
{
    return (struct seal_place){bytes_of_text(customer), BYTES("replay"), bytes_of_text(replay),
                               BYTES("answer")};
}
