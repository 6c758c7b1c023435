# SPDX-License-Identifier: MIT
#
# conf-to-man.awk: makes isamon.conf(5) of the example configuration, so that both say the same.
#
#   awk -f dist/conf-to-man.awk dist/isamon.conf >isamon.conf.5

function plain(text) {
	gsub(/\\/, "\\e", text)
	if (text ~ /^[.']/)
		text = "\\\&" text
	return text
}

function literal(on) {
	if (on && !in_literal)
		print ".Bd -literal -offset indent"
	if (!on && in_literal)
		print ".Ed"
	in_literal = on
}

BEGIN {
	print ".\\\" Made of the example configuration by dist/conf-to-man.awk."
	print ".Dd November 26, 2026"
	print ".Dt ISAMON.CONF 5"
	print ".Os"
	print ".Sh NAME"
	print ".Nm isamon.conf"
	print ".Nd configuration of isamon"
	print ".Sh SYNOPSIS"
	print ".Pa /etc/isamon/isamon.conf"
	print ".Sh DESCRIPTION"
}

# The title of the example.
NR == 1 { next }

/^$/ {
	literal(0)
	blank = 1
	next
}

/^\[.*\]$/ {
	literal(0)
	print ".Sh " $0
	blank = 0
	next
}

# What could be set, with its default; and sections that could be switched on.
/^#[a-z_0-9]+ =/ || /^#\[/ {
	literal(1)
	print plain(substr($0, 2))
	next
}

# Text that is set out: tables, commands.
/^# ? ?  / || /^#\t/ || /^#$/ {
	if ($0 != "#") {
		literal(1)
		print plain(substr($0, 2))
	} else {
		literal(0)
		blank = 1
	}
	next
}

/^# / {
	literal(0)
	if (blank)
		print ".Pp"
	blank = 0
	print plain(substr($0, 3))
	next
}

{
	print "conf-to-man.awk: line " NR " is of no kind that the example has: " $0 >"/dev/stderr"
	wrong = 1
}

END {
	literal(0)
	print ".Sh SEE ALSO"
	print ".Xr isamon 8"
	exit wrong
}
