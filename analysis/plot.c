/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
#include "analysis/plot.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "analysis/gptext.h"
#include "analysis/process.h"

#define TITLE_CHARS 70
#define FOOT_CHARS 150

static const char style_gp[] =
#include "analysis/style.gp.inc"
	;

int plot_check(char *error)
{
	if (process_in_path("gnuplot") == 0)
		return 0;
	snprintf(error, PLOT_ERROR_BYTES, "gnuplot is not installed; on Debian: apt install gnuplot-nox");
	return -ENOENT;
}

void plot_path(const struct figure *figure, const struct report *r, const char *kind, char *path, size_t path_bytes)
{
	snprintf(path, path_bytes, "%s/%s.%s", r->dir, figure->name, kind);
}

void plot_clear(const struct figure *figure, const struct report *r)
{
	static const char *const kinds[] = { "svg", "png", "dat", "gp" };
	char path[PATH_MAX + 32];
	size_t i;

	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		plot_path(figure, r, kinds[i], path, sizeof(path));
		unlink(path);
	}
}

/* who writes into a file: a figure's data, its script, the style */
typedef void plot_writer(FILE *out, const struct figure *figure, const struct report *r);

static void write_data(FILE *out, const struct figure *figure, const struct report *r)
{
	figure->data(out, r);
}

static void write_script(FILE *out, const struct figure *figure, const struct report *r)
{
	fprintf(out, "# Made by egpu-report. Change it and run again, here: gnuplot %s.gp\n", figure->name);
	gptext_set(out, "NAME", figure->name, TITLE_CHARS);
	gptext_set(out, "SUBJECT", r->title, TITLE_CHARS);
	gptext_set(out, "SOURCE", r->source, FOOT_CHARS);
	gptext_set(out, "CAVEATS", r->caveats, FOOT_CHARS);
	fprintf(out, "FORMATS = '%s%s'\n", r->formats & REPORT_SVG ? "svg " : "", r->formats & REPORT_PNG ? "png" : "");
	figure->settings(out, r);
	fputs("\nload 'style.gp'\n", out);
	fputs(figure->script, out);
}

static void write_style(FILE *out, const struct figure *figure, const struct report *r)
{
	(void)figure;
	(void)r;
	fputs(style_gp, out);
}

static int write_file(const char *path, plot_writer *writer, const struct figure *figure, const struct report *r, char *error)
{
	FILE *out = fopen(path, "w");
	int failed;

	if (!out) {
		int rc = -errno;

		snprintf(error, PLOT_ERROR_BYTES, "%.400s: %s", path, strerror(-rc));
		return rc;
	}
	writer(out, figure, r);
	failed = ferror(out);
	if (fclose(out) || failed) {
		snprintf(error, PLOT_ERROR_BYTES, "%.400s: cannot be written: is the disk full?", path);
		return -EIO;
	}
	return 0;
}

static int write_files(const struct figure *figure, const struct report *r, char *error)
{
	char path[PATH_MAX + 32];
	int rc;

	snprintf(path, sizeof(path), "%s/style.gp", r->dir);
	rc = write_file(path, write_style, figure, r, error);
	if (rc)
		return rc;
	plot_path(figure, r, "dat", path, sizeof(path));
	rc = write_file(path, write_data, figure, r, error);
	if (rc)
		return rc;
	plot_path(figure, r, "gp", path, sizeof(path));
	return write_file(path, write_script, figure, r, error);
}

/* gnuplot can end well without a whole picture (full disk) */
static int check_picture(const struct figure *figure, const struct report *r, const char *kind, char *error)
{
	char path[PATH_MAX + 32];
	struct stat st;

	plot_path(figure, r, kind, path, sizeof(path));
	if (stat(path, &st) == 0 && st.st_size > 0)
		return 0;
	snprintf(error, PLOT_ERROR_BYTES, "gnuplot did not make %.400s: is the disk full?", path);
	return -EIO;
}

static int run_gnuplot(const struct figure *figure, const struct report *r, char *error)
{
	char script[64], line[PLOT_ERROR_BYTES - 128];
	const char *const argv[] = { "gnuplot", "-d", script, NULL };
	FILE *out = tmpfile(), *err = tmpfile();
	int exit_code = 0, rc = -EIO;

	snprintf(script, sizeof(script), "%s.gp", figure->name);
	line[0] = '\0';
	if (out && err)
		rc = process_run(argv, r->dir, out, err, &exit_code);
	if (rc) {
		snprintf(error, PLOT_ERROR_BYTES, "cannot run gnuplot: %s", strerror(-rc));
	} else {
		process_first_line(err, line, sizeof(line));
		if (exit_code || line[0])
			snprintf(error, PLOT_ERROR_BYTES, "gnuplot, %s, status %d: %s", script, exit_code, line);
		rc = exit_code ? -EIO : 0;
	}
	if (out)
		fclose(out);
	if (err)
		fclose(err);
	return rc;
}

int plot_make(const struct figure *figure, const struct report *r, char *error)
{
	int rc;

	error[0] = '\0';
	rc = write_files(figure, r, error);
	if (rc == 0)
		rc = run_gnuplot(figure, r, error);
	if (rc == 0 && r->formats & REPORT_SVG)
		rc = check_picture(figure, r, "svg", error);
	if (rc == 0 && r->formats & REPORT_PNG)
		rc = check_picture(figure, r, "png", error);
	return rc;
}
