# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# Completion of isamon's command line for bash. The words are those of its own --help, so that they are always true.

_isamon_help() { isamon "$@" --help 2>/dev/null; }

# Commands stand at the beginning of a line, or two spaces behind it, with two spaces and their explanation behind them.
_isamon_commands() { sed -nE 's/^ {0,2}([a-z][a-z0-9-]*)  +[^ ].*/\1/p'; }

_isamon()
{
	local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]} word words help
	local -a path=()

	COMPREPLY=()
	case $prev in
	--config | --config-file | --output | --toml | --bundle | --database)
		mapfile -t COMPREPLY < <(compgen -f -- "$cur")
		return
		;;
	--target)
		mapfile -t COMPREPLY < <(compgen -d -- "$cur")
		return
		;;
	esac
	help=$(_isamon_help)
	# The command, and the command of that, as far as they are some: nothing else is ever run.
	for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
		[[ ${#path[@]} -lt 2 && $word != -* ]] || continue
		_isamon_commands <<<"$help" | grep -qxF -- "$word" || break
		path+=("$word")
		help=$(_isamon_help "${path[@]}")
	done
	words=$(_isamon_commands <<<"$help")
	[[ $cur != -* ]] || words=$(grep -oE -- '--[a-z][a-z0-9-]*' <<<"$help" | sort -u)
	[[ $cur != -* || -n $words ]] || words=--help
	mapfile -t COMPREPLY < <(compgen -W "$words" -- "$cur")
	# What is no command of isamon's may be a file.
	[[ ${#COMPREPLY[@]} -gt 0 || ${#path[@]} -eq 0 ]] || mapfile -t COMPREPLY < <(compgen -f -- "$cur")
}

complete -F _isamon isamon
