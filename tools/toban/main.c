/* toban: the table of subcommands. Each lives in its own file beside this one. */
#include "tools/toban/toban.h"

int main(int argc, char **argv)
{
    struct toban toban = {
        .japanese = options_locale_is_japanese(), .program = argv[0], .out = stdout, .err = stderr};
    const struct toban_command *command;

    argc--;
    argv++;
    if (!options_take(&toban, &argc, argv, true)) {
        return TOBAN_USAGE;
    }
    if (argc == 0) {
        (void)command_show_help(&toban, argc, argv);
        return toban.help ? TOBAN_OK : TOBAN_USAGE;
    }
    command = command_find(argv[0]);
    if (command == NULL) {
        (void)fprintf(stderr,
                      text_choose(&toban, "toban: 「%s」という指示はありません。", //
                                  "toban: there is no command '%s'. "),
                      argv[0]);
        (void)fputs(text_choose(&toban, "toban help で一覧を出せます。\n", "Try: toban help\n"),
                    stderr);
        return TOBAN_USAGE;
    }
    argc--;
    argv++;
    /* `office` has its own options and its own help. */
    if (command->run != command_office && !options_take(&toban, &argc, argv, false)) {
        return TOBAN_USAGE;
    }
    if (toban.help) {
        command_help(&toban, command, stdout);
        return TOBAN_OK;
    }
    return command->run(&toban, argc, argv);
}
