// From words to a command, its options and arguments.
// SPDX-License-Identifier: Apache-2.0
#include "cli/cli_int.h"

#include <stdlib.h>
#include <string.h>

#define WORD_MAX    32 // letters of a word that are compared
#define WORDS_MAX   40
#define NEAR_ENOUGH 3 // changes

// Changes (insert, delete, replace, swap of neighbours count 1, 1, 1, 2) between two words.
static unsigned arguments_distance(const char *a, const char *b)
{
    unsigned row[WORD_MAX + 1];
    size_t la = strnlen(a, WORD_MAX), lb = strnlen(b, WORD_MAX);
    for (size_t j = 0; j <= lb; j++) {
        row[j] = (unsigned)j;
    }
    for (size_t i = 1; i <= la; i++) {
        unsigned corner = row[0];
        row[0] = (unsigned)i;
        for (size_t j = 1; j <= lb; j++) {
            unsigned replace = corner + (a[i - 1] != b[j - 1]);
            unsigned other = (row[j] < row[j - 1] ? row[j] : row[j - 1]) + 1;
            corner = row[j];
            row[j] = replace < other ? replace : other;
        }
    }
    return row[lb];
}

const char *cli_nearest(const char *word, const char *const words[])
{
    const char *best = NULL;
    unsigned least = NEAR_ENOUGH;
    for (size_t i = 0; words[i] != NULL; i++) {
        unsigned distance = arguments_distance(word, words[i]);
        // a word of three letters is not near to all others
        if (distance < least && distance < strlen(words[i])) {
            least = distance;
            best = words[i];
        }
    }
    return best;
}

static enum cli_exit arguments_unknown(const char *what, const char *word,
                                       const char *const words[])
{
    const char *nearest = cli_nearest(word, words);
    if (nearest != NULL) {
        return cli_usage_error("There is no %s \"%s\". Did you mean \"%s\"?", what, word, nearest);
    }
    return cli_usage_error("There is no %s \"%s\".", what, word);
}

// Words of the table, each once: groups, or the verbs of a group.
static void arguments_words(const char *group, const char *out[static WORDS_MAX])
{
    size_t count = 0;
    for (const struct cli_command *one = cli_commands; one->group != NULL; one++) {
        const char *word = group == NULL ? one->group : one->verb;
        if (group != NULL && strcmp(one->group, group) != 0) {
            continue;
        }
        if (word != NULL && count + 1 < WORDS_MAX &&
            (count == 0 || strcmp(out[count - 1], word) != 0)) {
            out[count++] = word;
        }
    }
    out[count] = NULL;
}

static const struct cli_command *arguments_command(const char *group, const char *verb)
{
    for (const struct cli_command *one = cli_commands; one->group != NULL; one++) {
        if (strcmp(one->group, group) == 0 &&
            (one->verb == NULL || (verb != NULL && strcmp(one->verb, verb) == 0))) {
            return one;
        }
    }
    return NULL;
}

static bool arguments_has_group(const char *group)
{
    for (const struct cli_command *one = cli_commands; one->group != NULL; one++) {
        if (strcmp(one->group, group) == 0) {
            return true;
        }
    }
    return false;
}

static const struct cli_option *arguments_option(const struct cli_option *options, const char *name,
                                                 size_t length)
{
    for (; options != NULL && options->name != NULL; options++) {
        if (strncmp(options->name, name, length) == 0 && options->name[length] == '\0') {
            return options;
        }
    }
    return NULL;
}

static void arguments_set_global(struct cli *cli, const char *name, const char *value)
{
    if (strcmp(name, "json") == 0) {
        cli->json = true;
    } else if (strcmp(name, "help") == 0) {
        cli->help = true;
    } else if (strcmp(name, "config") == 0) {
        cli->config_path = value;
    } else if (strcmp(name, "passphrase-file") == 0) {
        cli->passphrase_file = value;
    } else {
        cli->dir = value;
    }
}

static enum cli_exit arguments_unknown_option(const struct cli *cli, const char *name)
{
    const char *words[WORDS_MAX] = {NULL};
    size_t count = 0;
    for (const struct cli_option *one = cli_global_options; one->name != NULL; one++) {
        words[count++] = one->name;
    }
    for (const struct cli_option *one = cli->command == NULL ? NULL : cli->command->options;
         one != NULL && one->name != NULL; one++) {
        words[count++] = one->name;
    }
    words[count] = NULL;
    return arguments_unknown("option", name, words);
}

// One option at argv[*at]; moves on over its value.
static enum cli_exit arguments_take_option(struct cli *cli, int argc, char *argv[], int *at)
{
    const char *name = argv[*at] + 2;
    const char *value = strchr(name, '=');
    size_t length = value != NULL ? (size_t)(value - name) : strlen(name);
    const struct cli_option *global = arguments_option(cli_global_options, name, length);
    const struct cli_option *own =
        cli->command == NULL ? NULL : arguments_option(cli->command->options, name, length);
    const struct cli_option *option = global != NULL ? global : own;
    if (option == NULL) {
        return arguments_unknown_option(cli, name);
    }
    value = value != NULL ? value + 1 : NULL;
    if (option->value == NULL && value != NULL) {
        return cli_usage_error("--%s takes no value.", option->name);
    }
    if (option->value != NULL && value == NULL) {
        if (*at + 1 >= argc) {
            return cli_usage_error("--%s needs a value: %s.", option->name, option->value);
        }
        value = argv[++*at];
    }
    if (global != NULL) {
        arguments_set_global(cli, option->name, value);
    } else {
        cli->values[option - cli->command->options] = value != NULL ? value : "";
    }
    return CLI_OK;
}

static enum cli_exit arguments_take_word(struct cli *cli, const char **group, const char *word)
{
    const char *words[WORDS_MAX] = {NULL};
    if (cli->command != NULL) {
        if (cli->command->arguments == NULL || cli->argument_count == CLI_ARGUMENTS) {
            return cli_usage_error("\"%s\" is one word too many.", word);
        }
        cli->arguments[cli->argument_count++] = word;
        return CLI_OK;
    }
    if (*group == NULL) {
        if (!arguments_has_group(word)) {
            arguments_words(NULL, words);
            return arguments_unknown("command", word, words);
        }
        *group = word;
        cli->command = arguments_command(word, NULL);
        return CLI_OK;
    }
    cli->command = arguments_command(*group, word);
    if (cli->command == NULL) {
        arguments_words(*group, words);
        return arguments_unknown(*group, word, words);
    }
    return CLI_OK;
}

static enum cli_exit arguments_complete(const struct cli *cli)
{
    const struct cli_option *option = cli->command->options;
    bool optional = cli->command->arguments != NULL && cli->command->arguments[0] == '[';
    if (cli->help) {
        return CLI_OK;
    }
    if (cli->command->arguments != NULL && cli->argument_count == 0 && !optional) {
        return cli_usage_error("%s is missing.", cli->command->arguments);
    }
    for (size_t i = 0; option != NULL && option[i].name != NULL; i++) {
        if (option[i].required && (cli->values[i] == NULL || cli->values[i][0] == '\0')) {
            return cli_usage_error("--%s %s is missing: %s.", option[i].name, option[i].value,
                                   option[i].help);
        }
    }
    return CLI_OK;
}

// The word or option at argv[*at].
static enum cli_exit arguments_take(struct cli *cli, const char **group, int argc, char *argv[],
                                    int *at)
{
    const char *word = argv[*at];
    if (strcmp(word, "-h") == 0) {
        cli->help = true;
        return CLI_OK;
    }
    if (strcmp(word, "--version") == 0 && cli->command == NULL) {
        cli->command = arguments_command("version", NULL);
        return CLI_OK;
    }
    if (strncmp(word, "--", 2) == 0) {
        return arguments_take_option(cli, argc, argv, at);
    }
    if (word[0] == '-' && word[1] != '\0') {
        return cli_usage_error("There is no option \"%s\".", word);
    }
    return arguments_take_word(cli, group, word);
}

enum cli_exit cli_parse(struct cli *cli, int argc, char *argv[])
{
    const char *group = NULL;
    const char *words[WORDS_MAX] = {NULL};
    enum cli_exit result = CLI_OK;
    bool words_only = false;
    for (int i = 1; i < argc && result == CLI_OK; i++) {
        if (!words_only && strcmp(argv[i], "--") == 0) {
            words_only = true;
        } else if (words_only) {
            result = arguments_take_word(cli, &group, argv[i]);
        } else {
            result = arguments_take(cli, &group, argc, argv, &i);
        }
    }
    if (result != CLI_OK) {
        return result;
    }
    if (cli->command != NULL) {
        return arguments_complete(cli);
    }
    if (group != NULL && !cli->help) {
        arguments_words(group, words);
        return cli_usage_error("\"%s\" needs a word more: %s, ...; see fishplate help %s.", group,
                               words[0], group);
    }
    return CLI_OK;
}

const char *cli_value(const struct cli *cli, const char *name)
{
    const struct cli_option *option = arguments_option(cli->command->options, name, strlen(name));
    return option == NULL ? NULL : cli->values[option - cli->command->options];
}
