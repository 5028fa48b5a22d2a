// Completion scripts for shells, written from the table of commands.
// SPDX-License-Identifier: Apache-2.0
#include "cli/cli_int.h"

#include <string.h>

// Words that may follow in arguments and options, for those that are a fixed choice.
static const char *completion_choice(const char *what)
{
    return what != NULL && strchr(what, '|') != NULL ? what : "";
}

static void completion_print_words(const char *with_bars)
{
    for (; *with_bars != '\0'; with_bars++) {
        putchar(*with_bars == '|' ? ' ' : *with_bars);
    }
}

// Each group once.
static bool completion_is_first(const struct cli_command *command)
{
    return command == cli_commands || strcmp(command[-1].group, command->group) != 0;
}

static void completion_groups(void)
{
    for (const struct cli_command *one = cli_commands; one->group != NULL; one++) {
        if (completion_is_first(one)) {
            printf("%s%s", one == cli_commands ? "" : " ", one->group);
        }
    }
}

static void completion_options(const struct cli_command *command)
{
    for (const struct cli_option *one = command->options; one != NULL && one->name != NULL; one++) {
        printf(" --%s", one->name);
    }
    for (const struct cli_option *one = cli_global_options; one->name != NULL; one++) {
        printf(" --%s", one->name);
    }
}

static void completion_bash_case(const struct cli_command *command)
{
    printf("        %s\\ %s) words='", command->group, command->verb != NULL ? command->verb : "*");
    completion_print_words(completion_choice(command->arguments));
    completion_options(command);
    puts("' ;;");
}

static void completion_bash_verbs(const struct cli_command *first)
{
    printf("        %s) words='", first->group);
    for (const struct cli_command *one = first;
         one->group != NULL && strcmp(one->group, first->group) == 0; one++) {
        printf("%s%s", one == first ? "" : " ", one->verb);
    }
    puts("' ;;");
}

static void completion_bash(void)
{
    fputs("# bash completion for fishplate: eval \"$(fishplate completion bash)\"\n"
          "_fishplate() {\n"
          "    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]} words=\n"
          "    case $before in\n"
          "    --config|--credentials) COMPREPLY=($(compgen -f -- \"$word\")); return ;;\n"
          "    --dir) COMPREPLY=($(compgen -d -- \"$word\")); return ;;\n"
          "    --environment) COMPREPLY=($(compgen -W 'live test' -- \"$word\")); return ;;\n"
          "    esac\n"
          "    local command=${COMP_WORDS[1]} verb=${COMP_WORDS[2]}\n"
          "    if ((COMP_CWORD == 1)); then words='",
          stdout);
    completion_groups();
    fputs("'\n    elif ((COMP_CWORD == 2)) && [[ $word != -* ]]; then\n        case $command in\n",
          stdout);
    for (const struct cli_command *one = cli_commands; one->group != NULL; one++) {
        if (completion_is_first(one) && one->verb != NULL) {
            completion_bash_verbs(one);
        }
    }
    fputs("        esac\n"
          "    fi\n"
          "    if ((COMP_CWORD > 1)) && [[ -z $words ]]; then\n"
          "        case \"$command $verb\" in\n",
          stdout);
    for (const struct cli_command *one = cli_commands; one->group != NULL; one++) {
        completion_bash_case(one);
    }
    fputs("        esac\n"
          "    fi\n"
          "    [[ $command == connector && $verb == check && $word != -* ]] &&\n"
          "        { COMPREPLY=($(compgen -f -- \"$word\")); return; }\n"
          "    COMPREPLY=($(compgen -W \"$words\" -- \"$word\"))\n"
          "}\n"
          "complete -F _fishplate fishplate\n",
          stdout);
}

// zsh and fish quote with '; a colon ends a name in zsh.
static void completion_quoted(const char *text)
{
    putchar('\'');
    for (; *text != '\0'; text++) {
        if (*text == '\'') {
            fputs("'\\''", stdout);
        } else if (*text == ':') {
            fputs("\\:", stdout);
        } else if (*text != '\n') {
            putchar(*text);
        }
    }
    putchar('\'');
}

static void completion_zsh_entry(const char *name, const char *help)
{
    char text[256];
    snprintf(text, sizeof text, "%s", help);
    fputs("        ", stdout);
    printf("%s:", name);
    completion_quoted(text);
    putchar('\n');
}

static void completion_zsh_options(const struct cli_option *options)
{
    for (; options != NULL && options->name != NULL; options++) {
        printf("            '--%s", options->name);
        if (options->value != NULL) {
            putchar('=');
        }
        fputs("' \\\n", stdout);
    }
}

static void completion_zsh(void)
{
    fputs("#compdef fishplate\n"
          "# zsh completion for fishplate: eval \"$(fishplate completion zsh)\"\n"
          "_fishplate() {\n"
          "    local -a commands verbs\n"
          "    commands=(\n",
          stdout);
    for (const struct cli_command *one = cli_commands; one->group != NULL; one++) {
        if (completion_is_first(one)) {
            completion_zsh_entry(one->group, one->verb == NULL ? one->help : one->group);
        }
    }
    fputs("    )\n    if ((CURRENT == 2)); then _describe command commands; return; fi\n"
          "    case $words[2] in\n",
          stdout);
    for (const struct cli_command *one = cli_commands; one->group != NULL; one++) {
        if (!completion_is_first(one) || one->verb == NULL) {
            continue;
        }
        printf("    %s)\n        verbs=(\n", one->group);
        for (const struct cli_command *verb = one;
             verb->group != NULL && strcmp(verb->group, one->group) == 0; verb++) {
            completion_zsh_entry(verb->verb, verb->help);
        }
        puts("        )\n        if ((CURRENT == 3)); then _describe verb verbs; return; fi ;;");
    }
    puts("    esac\n    case \"$words[2] $words[3]\" in");
    for (const struct cli_command *one = cli_commands; one->group != NULL; one++) {
        printf("    '%s %s'*)\n        _arguments \\\n", one->group,
               one->verb != NULL ? one->verb : "");
        completion_zsh_options(one->options);
        completion_zsh_options(cli_global_options);
        puts("            '*:file:_files' ;;");
    }
    puts("    esac\n}\n"
         "# loaded by name it is the function itself; evaluated it is registered\n"
         "if [[ $funcstack[1] == _fishplate ]]; then _fishplate \"$@\"; else compdef _fishplate "
         "fishplate; fi");
}

static void completion_fish_options(const struct cli_option *options, const char *condition)
{
    for (; options != NULL && options->name != NULL; options++) {
        printf("complete -c fishplate %s -l %s%s -d ", condition, options->name,
               options->value != NULL ? " -r" : "");
        completion_quoted(options->help);
        putchar('\n');
    }
}

static void completion_fish(void)
{
    puts("# fish completion for fishplate: fishplate completion fish | source\n"
         "complete -c fishplate -f");
    for (const struct cli_command *one = cli_commands; one->group != NULL; one++) {
        char condition[160];
        if (completion_is_first(one)) {
            printf("complete -c fishplate -n __fish_use_subcommand -a %s -d ", one->group);
            completion_quoted(one->verb == NULL ? one->help : one->group);
            putchar('\n');
        }
        snprintf(condition, sizeof condition, "-n '__fish_seen_subcommand_from %s%s%s'", one->group,
                 one->verb != NULL ? "; and __fish_seen_subcommand_from " : "",
                 one->verb != NULL ? one->verb : "");
        if (one->verb != NULL) {
            printf("complete -c fishplate -n '__fish_seen_subcommand_from %s' -a %s -d ",
                   one->group, one->verb);
            completion_quoted(one->help);
            putchar('\n');
        }
        completion_fish_options(one->options, condition);
    }
    completion_fish_options(cli_global_options, "");
}

enum cli_exit cli_completion(const struct cli *cli)
{
    const char *shell = cli->arguments[0];
    if (strcmp(shell, "bash") == 0) {
        completion_bash();
    } else if (strcmp(shell, "zsh") == 0) {
        completion_zsh();
    } else if (strcmp(shell, "fish") == 0) {
        completion_fish();
    } else {
        return cli_usage_error("There is no completion for \"%s\": bash, zsh or fish.", shell);
    }
    return CLI_OK;
}
