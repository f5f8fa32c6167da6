/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
#include "analysis/process.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static int wait_for(pid_t pid, int *exit_code)
{
	int status;

	while (waitpid(pid, &status, 0) < 0) {
		if (errno != EINTR)
			return -errno;
	}
	*exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
	return 0;
}

int process_run(const char *const *argv, const char *dir, FILE *out, FILE *err, int *exit_code)
{
	posix_spawn_file_actions_t actions;
	pid_t pid;
	int rc = posix_spawn_file_actions_init(&actions);

	if (rc)
		return -rc;
	rc = posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
	if (rc == 0)
		rc = posix_spawn_file_actions_adddup2(&actions, fileno(out), STDOUT_FILENO);
	if (rc == 0)
		rc = posix_spawn_file_actions_adddup2(&actions, fileno(err), STDERR_FILENO);
	if (rc == 0 && dir)
		rc = posix_spawn_file_actions_addchdir_np(&actions, dir);
	if (rc == 0)
		rc = posix_spawnp(&pid, argv[0], &actions, NULL, (char *const *)argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	if (rc)
		return -rc;
	rc = wait_for(pid, exit_code);
	rewind(out);
	rewind(err);
	return rc;
}

int process_in_path(const char *name)
{
	const char *at = getenv("PATH");
	char path[PATH_MAX];

	while (at && *at) {
		size_t len = strcspn(at, ":");
		int n = snprintf(path, sizeof(path), "%.*s/%s", (int)len, len ? at : ".", name);

		if (n > 0 && (size_t)n < sizeof(path) && access(path, X_OK) == 0)
			return 0;
		at += len + (at[len] == ':');
	}
	return -ENOENT;
}

void process_first_line(FILE *file, char *line, size_t line_bytes)
{
	rewind(file);
	while (fgets(line, (int)line_bytes, file)) {
		line[strcspn(line, "\r\n")] = '\0';
		if (line[strspn(line, " \t")])
			return;
	}
	line[0] = '\0';
}
