// tapegrad completion: what makes shells complete tapegrad's command lines. They ask the program itself how a line can
// go on: `tapegrad completion candidates WORD...` prints a candidate a line, with what it is behind a tab, and :files
// or :folders where the disk knows more.

#include <CLI/CLI.hpp>
#include <array>
#include <iostream>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "commands.hpp"
#include "completion.hpp"
#include "option_values.hpp"
#include "prediction.hpp"

namespace tapegrad::tools {
namespace {

constexpr std::string_view kBash =
    R"(# Completion of tapegrad for bash: source it, or put it into bash-completion's folder.
_tapegrad() {
  local line current=${COMP_WORDS[COMP_CWORD]}
  COMPREPLY=()
  while IFS= read -r line; do
    case $line in
      :files | :folders)
        compopt -o filenames
        local kind=-f
        [[ $line == :files ]] || kind=-d
        while IFS= read -r line; do COMPREPLY+=("$line"); done < <(compgen $kind -- "$current")
        ;;
      *) COMPREPLY+=("${line%%$'\t'*}") ;;
    esac
  done < <(printf '%s\n' "${COMP_WORDS[@]:1:COMP_CWORD}" | "$1" completion candidates 2>/dev/null)
}
complete -F _tapegrad tapegrad
)";

constexpr std::string_view kZsh = R"(#compdef tapegrad
# Completion of tapegrad for zsh: a file _tapegrad in a folder of $fpath.
_tapegrad() {
  local line about
  local -a candidates
  for line in "${(@f)$(printf '%s\n' "${(@)words[2,CURRENT]}" | "${words[1]}" completion candidates 2>/dev/null)}"; do
    case $line in
      '') ;;
      :files) _files ;;
      :folders) _files -/ ;;
      *)
        about=${line#*$'\t'}
        candidates+=("${${line%%$'\t'*}//:/\\:}${about:+:$about}")
        ;;
    esac
  done
  (( $#candidates )) && _describe -t values tapegrad candidates
}
if [[ $funcstack[1] == _tapegrad ]]; then _tapegrad "$@"; else compdef _tapegrad tapegrad; fi
)";

constexpr std::string_view kFish = R"(# Completion of tapegrad for fish.
function __tapegrad_complete
    set -l words (commandline -opc)
    set -l current (commandline -ct)
    for line in (printf '%s\n' $words[2..] "$current" | $words[1] completion candidates 2>/dev/null)
        switch $line
            case :files
                __fish_complete_path "$current"
            case :folders
                __fish_complete_directories "$current"
            case '*'
                echo $line
        end
    end
end
complete -c tapegrad -f -a '(__tapegrad_complete)'
)";

constexpr std::array<std::pair<std::string_view, std::string_view>, 3> kScripts{
    {{"bash", kBash}, {"zsh", kZsh}, {"fish", kFish}}};

void print(const Completion& completion) {
  for (const Completion::Candidate& candidate : completion.candidates)
    std::cout << candidate.word << '\t' << candidate.about << '\n';
  if (completion.files) std::cout << ":files\n";
  if (completion.folders && !completion.files) std::cout << ":folders\n";
}

}  // namespace

void add_completion_command(CLI::App& app) {
  CLI::App* command = app.add_subcommand("completion", "What makes a shell complete tapegrad's command lines");
  auto script = std::make_shared<std::string_view>();
  add_choice(*command, "shell", *script, kScripts, "Whose script to print");
  command->add_subcommand("candidates")->group("")->callback([&app] {
    std::vector<std::string> words;
    std::string word;
    for (std::int64_t number = 1; next_line(word, number); ++number) words.push_back(word);
    print(complete(app, words));
  });
  command->footer(
      "An installed tapegrad has all three in place.\n"
      "Examples:\n"
      "  source <(tapegrad completion bash)\n"
      "  tapegrad completion zsh > ~/.zfunc/_tapegrad\n"
      "  tapegrad completion fish > ~/.config/fish/completions/tapegrad.fish");
  command->callback([script, command] {
    if (!command->get_subcommands().empty()) return;
    if (script->empty()) throw CLI::RequiredError("shell");
    std::cout << *script;
  });
}

}  // namespace tapegrad::tools
