/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
#include "analysis/page.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/gptext.h"
#include "analysis/plot.h"

#define MIB (1024.0 * 1024.0)
#define PICTURE_BYTES_MAX (64u << 20)

static const char style[] =
#include "analysis/page.css.inc"
	;

/* texts come from traces that someone else made: nothing in them may become markup */
static void put_text(FILE *out, const char *text)
{
	for (; *text; text++) {
		switch (*text) {
		case '<':
			fputs("&lt;", out);
			break;
		case '>':
			fputs("&gt;", out);
			break;
		case '&':
			fputs("&amp;", out);
			break;
		case '"':
			fputs("&quot;", out);
			break;
		default:
			fputc((unsigned char)*text < ' ' ? ' ' : *text, out);
		}
	}
}

__attribute__((format(printf, 2, 3))) static void put(FILE *out, const char *format, ...)
{
	char text[2 * REPORT_TEXT_BYTES];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	put_text(out, text);
}

static void put_cell(FILE *out, const char *text)
{
	fputs("<td>", out);
	put_text(out, text);
	fputs("</td>", out);
}

static void put_count(FILE *out, uint64_t count)
{
	char text[GPTEXT_NUMBER_BYTES];

	put_cell(out, gptext_grouped(count, text));
}

static void put_number(FILE *out, const char *format, bool known, double value)
{
	char text[GPTEXT_NUMBER_BYTES];

	snprintf(text, sizeof(text), format, value);
	put_cell(out, known ? text : "–");
}

static void put_base64(FILE *out, const unsigned char *bytes, size_t n)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	size_t i;

	for (i = 0; i < n; i += 3) {
		uint32_t v = (uint32_t)bytes[i] << 16 | (i + 1 < n ? bytes[i + 1] << 8 : 0) | (i + 2 < n ? bytes[i + 2] : 0);

		fputc(digits[v >> 18], out);
		fputc(digits[v >> 12 & 63], out);
		fputc(i + 1 < n ? digits[v >> 6 & 63] : '=', out);
		fputc(i + 2 < n ? digits[v & 63] : '=', out);
	}
}

static bool put_file(FILE *out, const char *path)
{
	unsigned char *bytes = malloc(PICTURE_BYTES_MAX);
	FILE *in = bytes ? fopen(path, "rb") : NULL;
	size_t n = in ? fread(bytes, 1, PICTURE_BYTES_MAX, in) : 0;
	bool whole = in && feof(in) && n;

	if (whole)
		put_base64(out, bytes, n);
	if (in)
		fclose(in);
	free(bytes);
	return whole;
}

/* as a picture of its own, so that the names inside are its own too */
static bool put_picture(FILE *out, const struct report *r, const struct figure *figure)
{
	bool svg = r->formats & REPORT_SVG, whole;
	char path[PATH_MAX + 32];

	plot_path(figure, r, svg ? "svg" : "png", path, sizeof(path));
	fprintf(out, "<figure><img alt=\"%s of ", figure->name);
	put_text(out, r->title);
	fprintf(out, "\" src=\"data:image/%s;base64,", svg ? "svg+xml" : "png");
	whole = put_file(out, path);
	fprintf(out, "\"></figure>\n");
	return whole;
}

static void put_policy(FILE *out, const struct report *r, const struct replay_run_row *row)
{
	const struct replay_run *run = &r->replay;
	char label[REPORT_TEXT_BYTES], count[GPTEXT_NUMBER_BYTES];

	report_policy_label(row, label);
	fprintf(out, "<tr%s>", row->refused ? " class=\"refused\"" : row->measured ? " class=\"measured\"" : "");
	put_cell(out, label);
	put_count(out, row->peak_mappings);
	put_number(out, "%.1f %%", true, 100.0 * (double)row->peak_mappings / (double)run->limit_mappings);
	put_number(out, "%.1f", true, (double)row->peak_mapped_bytes / MIB);
	put_number(out, "%.1f %%", true, 100.0 * (double)row->peak_mapped_bytes / (double)run->limit_bytes);
	put_number(out, "%.1f", !row->refused, ((double)row->peak_mapped_bytes - (double)run->peak_request_bytes) / MIB);
	put_number(out, "%.2f", !row->refused && run->bound_mappings, (double)row->peak_mappings / (double)(run->bound_mappings ? run->bound_mappings : 1));
	put_number(out, "%.2f", !row->refused && run->bound_bytes, (double)row->peak_mapped_bytes / (double)(run->bound_bytes ? run->bound_bytes : 1));
	put_count(out, row->host_calls);
	fprintf(out, "<td class=\"words\">");
	if (row->refused)
		put(out, "refused %s, first at %.3f s: %s", gptext_grouped(row->refused, count), row->refused_s, row->reason);
	else
		fprintf(out, "fits");
	fprintf(out, "</td></tr>\n");
}

static void put_policies(FILE *out, const struct report *r)
{
	const struct replay_run *run = &r->replay;
	char a[GPTEXT_NUMBER_BYTES];
	unsigned int i;

	fprintf(out, "<h3>Policies</h3><div class=\"wide\"><table><thead><tr><th>policy</th><th>mappings</th><th>of limit</th><th>mapped MiB</th>"
		     "<th>of limit</th><th>slop MiB</th><th>× bound</th><th>× fewest bytes</th><th>host calls</th><th>verdict</th></tr></thead><tbody>\n");
	for (i = 0; i < run->nrows; i++)
		put_policy(out, r, &run->rows[i]);
	fprintf(out, "</tbody></table></div>\n<p>");
	if (run->bound_fits)
		put(out, "No policy can have fewer than %s mappings within the byte limit, nor map less than %.1f MiB within the mapping limit; slop is what is "
			 "mapped at the peak beyond the %.1f MiB that were asked for.",
		    gptext_grouped(run->bound_mappings, a), (double)run->bound_bytes / MIB, (double)run->peak_request_bytes / MIB);
	else
		put(out, "No policy can fit this within these limits (%s).", run->misfit);
	fprintf(out, "</p>\n");
}

static void put_frames(FILE *out, const struct frame_times *t)
{
	if (!t->frames)
		return;
	fprintf(out, "<h3>Frames</h3><table><thead><tr><th>frames</th><th>mean fps</th><th>1 %% low fps</th><th>median ms</th><th>95 %% ms</th><th>99 %% ms</th>"
		     "<th>longest ms</th></tr></thead><tbody><tr>");
	put_count(out, t->frames);
	put_number(out, "%.1f", true, t->mean_fps);
	put_number(out, "%.1f", true, t->low_fps);
	put_number(out, "%.2f", true, t->median_ms);
	put_number(out, "%.2f", true, t->p95_ms);
	put_number(out, "%.2f", true, t->p99_ms);
	put_number(out, "%.2f", true, t->longest_ms);
	fprintf(out, "</tr></tbody></table>\n");
}

/* "modelled: …" is told apart at a glance */
static void put_source(FILE *out, const char *source, const char *caveats)
{
	int label = (int)strcspn(source, ":");

	fprintf(out, "<p class=\"source\"><span class=\"label\">");
	put(out, "%.*s", label, source);
	fprintf(out, "</span> ");
	put_text(out, source + label + (source[label] == ':'));
	fprintf(out, "</p>\n<p class=\"source\">");
	put_text(out, caveats);
	fprintf(out, "</p>\n");
}

static bool put_section(FILE *out, const struct report *r, const struct frame_times *frames)
{
	bool whole = true;
	size_t i;

	fprintf(out, "<section>\n<h2>");
	put_text(out, r->title);
	fprintf(out, "</h2>\n");
	put_source(out, r->source, r->caveats);
	put_policies(out, r);
	put_frames(out, frames);
	for (i = 0; figures[i]; i++) {
		if (!(figures[i]->missing && figures[i]->missing(r)))
			whole &= put_picture(out, r, figures[i]);
	}
	fprintf(out, "</section>\n");
	return whole;
}

void page_add(struct page *p, const struct report *r)
{
	struct page_column *columns = realloc(p->columns, (p->ncolumns + 1) * sizeof(*columns)), *c;
	unsigned int i;

	if (columns)
		p->columns = columns;
	if (!p->sections)
		p->sections = open_memstream(&p->text, &p->text_bytes);
	if (!columns || !p->sections) {
		p->failed = true;
		return;
	}
	c = &columns[p->ncolumns++];
	memset(c, 0, sizeof(*c));
	memcpy(c->title, r->title, sizeof(c->title));
	c->requests = r->facts.requests;
	c->peak_requests = r->replay.peak_requests;
	c->peak_request_bytes = r->replay.peak_request_bytes;
	for (i = 0; i < r->replay.nrows; i++) {
		c->rows[c->nrows] = r->replay.rows[i];
		c->rows[c->nrows++].points = NULL;
	}
	if (frame_times_of(&r->facts, &c->frames))
		p->failed = true;
	p->failed |= !put_section(p->sections, r, &c->frames);
}

void page_add_published(struct page *p, const struct report *r)
{
	if (!p->sections)
		return;
	fprintf(p->sections, "<section>\n<h2>");
	put_text(p->sections, r->title);
	fprintf(p->sections, "</h2>\n");
	put_source(p->sections, r->source, r->caveats);
	p->failed |= !put_picture(p->sections, r, &figure_published);
	fprintf(p->sections, "</section>\n");
}

/* ---- side by side ---- */

static const struct replay_run_row *find_row(const struct page_column *c, const struct replay_run_row *like)
{
	unsigned int i;

	for (i = 0; i < c->nrows; i++) {
		if (c->rows[i].measured == like->measured && (like->measured || strcmp(c->rows[i].policy, like->policy) == 0))
			return &c->rows[i];
	}
	return NULL;
}

/* a number, and from the second trace on how it differs from that of the first; whole numbers are grouped */
static void put_compared(FILE *out, int digits, bool known, double value, bool compared, double first)
{
	char text[GPTEXT_NUMBER_BYTES];

	fprintf(out, "<td>");
	if (!known)
		put_text(out, "–");
	else if (digits)
		put(out, "%.*f", digits, value);
	else
		put_text(out, gptext_grouped((uint64_t)value, text));
	if (known && compared && first > 0)
		put(out, " (%+.1f %%)", 100 * (value / first - 1));
	fprintf(out, "</td>");
}

static void compare_quantity(FILE *out, const struct page *p, const char *name, int digits, double (*of)(const struct page_column *c))
{
	unsigned int i;

	fprintf(out, "<tr><td>%s</td>", name);
	for (i = 0; i < p->ncolumns; i++)
		put_compared(out, digits, true, of(&p->columns[i]), i > 0, of(&p->columns[0]));
	fprintf(out, "</tr>\n");
}

static double requests_of(const struct page_column *c)
{
	return (double)c->requests;
}

static double peak_requests_of(const struct page_column *c)
{
	return (double)c->peak_requests;
}

static double peak_mib_of(const struct page_column *c)
{
	return (double)c->peak_request_bytes / MIB;
}

static double fps_of(const struct page_column *c)
{
	return c->frames.mean_fps;
}

static double low_fps_of(const struct page_column *c)
{
	return c->frames.low_fps;
}

static void compare_row(FILE *out, const struct page *p, const struct replay_run_row *like)
{
	char label[REPORT_TEXT_BYTES];
	unsigned int i, k;

	for (k = 0; k < 3; k++) {
		static const char *const what[] = { "mappings", "mapped MiB", "host calls" };
		double first = 0;

		report_policy_label(like, label);
		fprintf(out, "<tr><td>");
		put(out, "%s: %s", like->measured ? "measured" : label, what[k]);
		fprintf(out, "</td>");
		for (i = 0; i < p->ncolumns; i++) {
			const struct replay_run_row *row = find_row(&p->columns[i], like);
			double value = !row ? 0 : k == 0 ? (double)row->peak_mappings : k == 1 ? (double)row->peak_mapped_bytes / MIB : (double)row->host_calls;

			put_compared(out, k == 1, row && !row->refused, value, i > 0, first);
			first = i == 0 && row && !row->refused ? value : first;
		}
		fprintf(out, "</tr>\n");
	}
}

static void put_comparison(FILE *out, const struct page *p)
{
	unsigned int i;

	fprintf(out, "<h2>Side by side</h2><div class=\"wide\"><table><thead><tr><th></th>");
	for (i = 0; i < p->ncolumns; i++) {
		fprintf(out, "<th>");
		put_text(out, p->columns[i].title);
		fprintf(out, "</th>");
	}
	fprintf(out, "</tr></thead><tbody>\n");
	compare_quantity(out, p, "requests", 0, requests_of);
	compare_quantity(out, p, "requests live at once", 0, peak_requests_of);
	compare_quantity(out, p, "MiB requested at once", 1, peak_mib_of);
	for (i = 0; i < p->columns[0].nrows; i++)
		compare_row(out, p, &p->columns[0].rows[i]);
	compare_quantity(out, p, "mean fps", 1, fps_of);
	compare_quantity(out, p, "1 % low fps", 1, low_fps_of);
	fprintf(out, "</tbody></table></div>\n<p class=\"source\">In brackets: more or less than in the first. –: not replayed there, or not all requests could be served.</p>\n");
}

static void put_page(FILE *out, const struct page *p)
{
	fprintf(out, "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">\n<title>egpu: ");
	put_text(out, p->columns[0].title);
	fprintf(out, "%s</title>\n<style>\n%s</style></head><body>\n<h1>What the GPU asked of the IOMMU</h1>\n", p->ncolumns > 1 ? " and others" : "", style);
	if (p->ncolumns > 1)
		put_comparison(out, p);
	fwrite(p->text, 1, p->text_bytes, out);
	fprintf(out, "<p class=\"source\">Made by egpu-report %s.</p>\n</body></html>\n", EGPU_VERSION);
}

int page_write(struct page *p, const char *path)
{
	FILE *out;
	bool failed;

	if (p->failed || !p->sections || fflush(p->sections))
		return -ENOMEM;
	out = fopen(path, "w");
	if (!out)
		return -errno;
	put_page(out, p);
	failed = ferror(out) != 0;
	return fclose(out) || failed ? -EIO : 0;
}

void page_destroy(struct page *p)
{
	if (p->sections)
		fclose(p->sections);
	free(p->text);
	free(p->columns);
	memset(p, 0, sizeof(*p));
}
