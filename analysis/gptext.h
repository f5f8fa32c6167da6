/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * gptext.h - texts and settings in a gnuplot script.
 *
 * Purpose:  texts come from traces that someone else made: nothing in them may be run by gnuplot, or spoil an SVG file.
 * Compiled: egpu-report.
 */
#ifndef EGPU_ANALYSIS_GPTEXT_H
#define EGPU_ANALYSIS_GPTEXT_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define GPTEXT_NUMBER_BYTES 48

/**
 * gptext_quoted() - write @text as a gnuplot string: valid UTF-8, no control characters, nothing that gnuplot would expand.
 * @chars_max: a longer text is cut and ends in "…"
 */
void gptext_quoted(FILE *gp, const char *text, size_t chars_max);

/** gptext_chars() - characters of a UTF-8 text. */
size_t gptext_chars(const char *text);

/** gptext_set() - "NAME = 'text'". gptext_set_number() - "NAME = number". */
void gptext_set(FILE *gp, const char *name, const char *text, size_t chars_max);
void gptext_set_number(FILE *gp, const char *name, double value);

/** gptext_grouped() - 1234567 as "1,234,567". gptext_bytes() - "4 KiB", "1.5 GiB". @text has GPTEXT_NUMBER_BYTES. Return: @text. */
char *gptext_grouped(uint64_t value, char *text);
char *gptext_bytes(double bytes, char *text);

#endif
