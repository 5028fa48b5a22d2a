// Looking things up in the generated tables.
// SPDX-License-Identifier: Apache-2.0
#include "model/model.h"

const struct model_operation *model_operation_at(unsigned index)
{
    return index < MODEL_OPERATION_COUNT ? &model_operations[index] : NULL;
}

const struct model_entity *model_entity_find(struct bytes name)
{
    for (size_t i = 0; i < MODEL_ENTITY_COUNT; i++) {
        if (bytes_equal_text(name, model_entities[i].name)) {
            return &model_entities[i];
        }
    }
    return NULL;
}

const struct model_resource *model_resource_find(struct bytes path)
{
    for (size_t i = 0; i < MODEL_RESOURCE_COUNT; i++) {
        if (bytes_equal_text(path, model_resources[i].path)) {
            return &model_resources[i];
        }
    }
    return NULL;
}

const struct model_field *model_field_find(const struct model_entity *entity, struct bytes name)
{
    for (unsigned i = 0; i < entity->field_count; i++) {
        if (bytes_equal_text(name, entity->fields[i].name)) {
            return &entity->fields[i];
        }
    }
    return NULL;
}

const char *model_type_name(enum model_type type)
{
    static const char *const names[] = {
        [MODEL_TYPE_KEY] = "key",         [MODEL_TYPE_TEXT] = "text",
        [MODEL_TYPE_NUMBER] = "number",   [MODEL_TYPE_REF] = "key",
        [MODEL_TYPE_BOOLEAN] = "boolean", [MODEL_TYPE_TIME] = "time",
        [MODEL_TYPE_REFS] = "keys",       [MODEL_TYPE_TEXTS] = "texts",
        [MODEL_TYPE_OBJECT] = "object",   [MODEL_TYPE_LIST] = "list",
        [MODEL_TYPE_ANY] = "any"};
    return names[type];
}
