// A small definition for the tests: every kind of rule, a dialect like Tryton's.
// SPDX-License-Identifier: Apache-2.0
#ifndef FP_TEST_MAPPING_SAMPLE_H
#define FP_TEST_MAPPING_SAMPLE_H

#define SAMPLE_HEAD                                                                                \
    "platform: sample\n"                                                                           \
    "title: Sample\n"                                                                              \
    "proof: documented\n"                                                                          \
    "driver: jsonrpc\n"                                                                            \
    "categories: [erp]\n"                                                                          \
    "credentials:\n"                                                                               \
    "  - {name: url, label: Address, kind: url, help: h}\n"                                        \
    "  - {name: user, label: User, help: h}\n"                                                     \
    "  - {name: password, label: Password, kind: secret, help: h}\n"
#define SAMPLE_WIRE                                                                                \
    "wire:\n"                                                                                      \
    "  url: \"{credentials.url}/rpc/\"\n"                                                          \
    "  headers: {Authorization: \"Session {session.token}\"}\n"                                    \
    "  body: {id: $id, method: $method, params: $params}\n"                                        \
    "  answer: {id: id, result: result, error: error}\n"                                           \
    "  values: {tag: __class__, datetime: datetime, date: date, decimal: Decimal,\n"               \
    "    parts: [year, month, day, hour, minute, second, microsecond], digits: decimal,\n"         \
    "    key: integer, relation: \".\"}\n"                                                         \
    "  context: {company: $session.company}\n"                                                     \
    "  calls:\n"                                                                                   \
    "    list: {method: \"{object}.read\", params: [$filter, $offset, $limit, $order, $fields, "   \
    "$context]}\n"                                                                                 \
    "    count: {method: \"{object}.count\", params: [$filter, $context]}\n"                       \
    "    create: {method: \"{object}.create\", params: [[$record], $context], key: \"0\"}\n"       \
    "    update: {method: \"{object}.write\", params: [[$key], $record, $context]}\n"              \
    "  lines: {add: [create, [$records]], change: [write, [$key], $record],\n"                     \
    "    remove: [delete, [$keys]]}\n"                                                             \
    "  login:\n"                                                                                   \
    "    steps:\n"                                                                                 \
    "      - {method: login, params: [\"{credentials.user}\", \"{credentials.password}\"],\n"      \
    "         keep: {id: \"0\", key: \"1\"}}\n"                                                    \
    "      - {method: preferences, params: [], keep: {company: company}, optional: true}\n"        \
    "    derive: {token: \"{credentials.user}:{session.id}:{session.key}\"}\n"                     \
    "    account: \"{credentials.user}@{session.company}\"\n"                                      \
    "  filters:\n"                                                                                 \
    "    any: [OR, $clauses]\n"                                                                    \
    "    all: [AND, $clauses]\n"                                                                   \
    "    clause: [$field, $operator, $value]\n"                                                    \
    "    order: [$field, $direction]\n"                                                            \
    "    ascending: ASC\n"                                                                         \
    "    descending: DESC\n"                                                                       \
    "    in: in\n"                                                                                 \
    "    never: [id, in, []]\n"                                                                    \
    "    operators: {equals: \"=\", contains: ilike, startsWith: ilike, endsWith: ilike,\n"        \
    "      gt: \">\", gteq: \">=\", lt: \"<\", lteq: \"<=\"}\n"                                    \
    "    any_run: \"%\"\n"                                                                         \
    "    any_one: \"_\"\n"                                                                         \
    "    escape: \"\\\\\"\n"                                                                       \
    "  judge:\n"                                                                                   \
    "    - {during: login, status: 401, is: credential_rejected}\n"                                \
    "    - {during: call, status: 401, is: session_expired}\n"                                     \
    "    - {status: 429, is: rate_limited}\n"                                                      \
    "    - {at: error.0, equals: \"'{object}'\", is: unsupported}\n"                               \
    "    - {at: error.0, equals: UserError, is: permission_missing}\n"                             \
    "    - {at: error.0, starts: \"Database '\", is: settings_invalid}\n"
#define SAMPLE_ENUMERATIONS                                                                        \
    "enumerations:\n"                                                                              \
    "  states:\n"                                                                                  \
    "    statuses: purchase-orders\n"                                                              \
    "    values:\n"                                                                                \
    "      d: {name: Draft, key: draft}\n"                                                         \
    "      c: {name: Confirmed, key: confirmed}\n"                                                 \
    "      x: {name: Cancelled, key: cancelled, active: false}\n"                                  \
    "  kinds:\n"                                                                                   \
    "    values: {goods: Goods, service: Service}\n"
#define SAMPLE_RESOURCES                                                                           \
    "resources:\n"                                                                                 \
    "  vendors:\n"                                                                                 \
    "    object: party\n"                                                                          \
    "    where:\n"                                                                                 \
    "      - [supplier, \"=\", true]\n"                                                            \
    "    fields: {key: id, name: name, code: code, createdAt: create_date,\n"                      \
    "      updatedAt: {first: [write_date, create_date]}}\n"                                       \
    "    write: {create: true, update: true, set: {supplier: true},\n"                             \
    "      fields: {name: {to: name, required: true}, code: code},\n"                              \
    "      find: {term: {object: terms, where: [[days, \"=\", 30]]}}}\n"                           \
    "  purchase-orders:\n"                                                                         \
    "    object: purchase\n"                                                                       \
    "    fields:\n"                                                                                \
    "      key: id\n"                                                                              \
    "      vendorKey: party\n"                                                                     \
    "      orderNo: number\n"                                                                      \
    "      title: {join: [party.name, number], with: \" / \"}\n"                                   \
    "      orderDate: {path: date, type: date}\n"                                                  \
    "      statusKey: {path: state, enum: states}\n"                                               \
    "      terms: {const: net}\n"                                                                  \
    "      totalNetValue: {path: total, type: decimal, sort: false}\n"                             \
    "      updatedAt: {first: [write_date, create_date]}\n"                                        \
    "      lineItems:\n"                                                                           \
    "        at: lines\n"                                                                          \
    "        only: {type: line}\n"                                                                 \
    "        fields: {key: id, productKey: product, quantity: quantity, name: product.name}\n"     \
    "    write:\n"                                                                                 \
    "      create: true\n"                                                                         \
    "      update: true\n"                                                                         \
    "      fields:\n"                                                                              \
    "        vendorKey: {to: party, required: true, only: create}\n"                               \
    "        orderDate: date\n"                                                                    \
    "        statusKey: state\n"                                                                   \
    "        updatedAt: {to: seen, type: datetime}\n"                                              \
    "        totalNetValue: {to: total, shift: 2, type: decimal}\n"                                \
    "        lineItems:\n"                                                                         \
    "          to: lines\n"                                                                        \
    "          fields: {productKey: product, quantity: {to: quantity, required: true}}\n"          \
    "          set: {type: line}\n"                                                                \
    "  products:\n"                                                                                \
    "    object: product\n"                                                                        \
    "    fields: {key: id, name: name, type: {path: kind, enum: kinds}, quantity: quantity,\n"     \
    "      taxKeys: taxes, price: {path: price, type: decimal, filter: false}}\n"                  \
    "  taxes:\n"                                                                                   \
    "    object: tax\n"                                                                            \
    "    fields: {key: id, taxPercentage: {path: rate, type: decimal, shift: 2}, isActive: "       \
    "active}\n"                                                                                    \
    "  materials:\n"                                                                               \
    "    object: product\n"                                                                        \
    "    fields: {key: id, isAssembly: {exists: boms}, vendorKeys: {at: suppliers, take: "         \
    "party},\n"                                                                                    \
    "      inventory: {fields: {quantity: quantity}}}\n"                                           \
    "  stocks:\n"                                                                                  \
    "    each: {object: place, where: [[type, \"=\", storage]]}\n"                                 \
    "    object: product\n"                                                                        \
    "    context: {locations: [$each]}\n"                                                          \
    "    where: [[quantity, \"!=\", 0]]\n"                                                         \
    "    fields: {key: {join: [each.id, id], with: \"-\"}, productKey: id, locationKey: "          \
    "each.id,\n"                                                                                   \
    "      quantity: quantity}\n"                                                                  \
    "  production-orders/{key}/materials:\n"                                                       \
    "    object: move\n"                                                                           \
    "    where: [[production, \"=\", $key]]\n"                                                     \
    "    fields: {key: id, materialKey: product}\n"
#define SAMPLE SAMPLE_HEAD SAMPLE_WIRE SAMPLE_ENUMERATIONS SAMPLE_RESOURCES

#endif
