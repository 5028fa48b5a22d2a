// Two small systems over plain HTTP for the tests: one with filters as parameters, pages by offset
// and writing; one with an expression, and pages that name the next one.
// SPDX-License-Identifier: Apache-2.0
#ifndef FP_TEST_REST_SAMPLE_H
#define FP_TEST_REST_SAMPLE_H

#define REST_HEAD                                                                                  \
    "platform: rest-sample\n"                                                                      \
    "title: Sample\n"                                                                              \
    "proof: documented\n"                                                                          \
    "driver: rest\n"                                                                               \
    "categories: [eam]\n"                                                                          \
    "credentials:\n"                                                                               \
    "  - {name: url, label: Address, kind: url, help: h}\n"                                        \
    "  - {name: user, label: User, help: h, optional: true}\n"                                     \
    "  - {name: key, label: Key, kind: secret, help: h}\n"

#define REST_TICKETS                                                                               \
    REST_HEAD                                                                                      \
    "wire:\n"                                                                                      \
    "  url: \"{credentials.url}/api\"\n"                                                           \
    "  headers: {X-Key: \"{credentials.key}\"}\n"                                                  \
    "  answer: {error: errors}\n"                                                                  \
    "  values: {key: integer, time: seconds}\n"                                                    \
    "  calls:\n"                                                                                   \
    "    list: {path: \"/{object}.json\", rows: \"{object}\", total: total_count,\n"               \
    "      paging: offset, page_max: 100, query: {limit: \"{limit}\",\n"                           \
    "      offset: \"{offset}\", sort: \"{order}\", status_id: \"*\"}}\n"                          \
    "    item: {path: \"/{object}/{key}.json\", record: \"{one}\"}\n"                              \
    "    create: {method: POST, path: \"/{object}.json\", body: {ticket: $record},\n"              \
    "      key: ticket.id}\n"                                                                      \
    "    update: {method: PUT, path: \"/{object}/{key}.json\",\n"                                  \
    "      body: {ticket: $record}}\n"                                                             \
    "  login:\n"                                                                                   \
    "    only: verify\n"                                                                           \
    "    steps:\n"                                                                                 \
    "      - {path: /me.json, keep: {name: user.login}}\n"                                         \
    "    account: \"{session.name}\"\n"                                                            \
    "  filters:\n"                                                                                 \
    "    form: parameters\n"                                                                       \
    "    operators:\n"                                                                             \
    "      equals: {\"{field}\": \"{value}\"}\n"                                                   \
    "      contains: {\"{field}\": \"~{value}\"}\n"                                                \
    "      gteq: {\"{field}\": \">={value}\"}\n"                                                   \
    "      lteq: {\"{field}\": \"<={value}\"}\n"                                                   \
    "    order: \"{field}:{direction}\"\n"                                                         \
    "    order_max: 2\n"                                                                           \
    "    ascending: asc\n"                                                                         \
    "    descending: desc\n"                                                                       \
    "resources:\n"                                                                                 \
    "  work-orders:\n"                                                                             \
    "    object: tickets\n"                                                                        \
    "    one: ticket\n"                                                                            \
    "    where: {kind: work}\n"                                                                    \
    "    fields:\n"                                                                                \
    "      key: {path: id, sort: true}\n"                                                          \
    "      siteKey: {path: site.id, filter: {by: site_id, operators: [equals]}}\n"                 \
    "      statusKey: {path: status.id, filter: status_id}\n"                                      \
    "      title: {path: subject, filter: {operators: [equals, contains]}, sort: true}\n"          \
    "      updatedAt: {path: updated, filter: updated_on, sort: updated_on}\n"                     \
    "    write:\n"                                                                                 \
    "      create: true\n"                                                                         \
    "      update: true\n"                                                                         \
    "      fields: {title: {to: subject, required: true}, statusKey: status_id}\n"                 \
    "  sites:\n"                                                                                   \
    "    object: places\n"                                                                         \
    "    calls:\n"                                                                                 \
    "      list: {path: /places.json, rows: places, paging: none}\n"                               \
    "      item: null\n"                                                                           \
    "    fields: {key: id, name: name}\n"

#define REST_EXPRESSION_OF(paging, page)                                                           \
    REST_HEAD "wire:\n"                                                                            \
              "  url: \"{credentials.url}\"\n"                                                     \
              "  basic: \"{credentials.user}:{credentials.key}\"\n"                                \
              "  values: {key: text}\n"                                                            \
              "  calls:\n"                                                                         \
              "    list: {path: \"/{object}\", rows: items, paging: " paging ",\n"                 \
              "      query: {q: \"{filter}\", order: \"{order}\", count: \"{limit}\",\n"           \
              "      cursor: \"{cursor}\"" page "}}\n"                                             \
              "    item: {path: \"/{object}({key})\"}\n"                                           \
              "  filters:\n"                                                                       \
              "    form: expression\n"                                                             \
              "    all_with: \" and \"\n"                                                          \
              "    any_with: \" or \"\n"                                                           \
              "    literals: {text: \"'{value}'\"}\n"                                              \
              "    doubled: \"'\"\n"                                                               \
              "    operators: {equals: \"{field} eq {value}\", gteq: \"{field} ge {value}\",\n"    \
              "      lt: \"{field} lt {value}\", contains: \"has({field},{value})\"}\n"            \
              "    order: \"{field} {direction}\"\n"                                               \
              "    ascending: asc\n"                                                               \
              "    descending: desc\n"                                                             \
              "enumerations:\n"                                                                    \
              "  states: {values: {AB: Open, AC: Open too, C: Shut}}\n"                            \
              "resources:\n"                                                                       \
              "  work-orders:\n"                                                                   \
              "    object: Orders\n"                                                               \
              "    where: \"Kind eq 1\"\n"                                                         \
              "    fields: {key: Id, title: Name, status: {path: State, enum: states},\n"          \
              "      updatedAt: Changed}\n"

#define REST_LINKS  REST_EXPRESSION_OF("link, next: more", "")
#define REST_HEADER REST_EXPRESSION_OF("header", "")
#define REST_CURSOR REST_EXPRESSION_OF("cursor, next: more", "")
#define REST_NUMBER REST_EXPRESSION_OF("number, page_max: 2, total: n", ", page: \"{page}\"")

#endif
