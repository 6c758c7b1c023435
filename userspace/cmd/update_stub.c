#include "cmd/update_cmd.h"
int update_system_command(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	return 3;
}
int update_security_command(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	return 3;
}
int update_check_command(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	return 3;
}
