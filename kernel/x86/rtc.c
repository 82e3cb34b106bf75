/*
 * kernel/x86/rtc.c - the battery-backed clock: what day it is, read once at boot.
 *
 * Linux:   arch/x86/kernel/rtc.c, drivers/rtc/lib.c (6.1)
 * Same:    values are read twice until they agree, so that an update in between is noticed.
 * Differs: 1. read only; years 1970 to 2099.
 * Locks:   none: boot, one CPU.
 * Walk:    timekeeping_init() -> arch_rtc_seconds().
 */
#include "kernel/io.h"
#include "kernel/string.h"
#include "kernel/x86/x86.h"

/* MC146818 data sheet, table 1 */
enum {
	RTC_INDEX = 0x70, RTC_DATA = 0x71, RTC_SECONDS = 0, RTC_MINUTES = 2, RTC_HOURS = 4, RTC_DAY = 7, RTC_MONTH = 8,
	RTC_YEAR = 9, RTC_STATUS_A = 10, RTC_STATUS_B = 11, RTC_UPDATING = 0x80, RTC_BINARY = 4, RTC_24_HOURS = 2,
	RTC_PM = 0x80, MAX_TRIES = 100000,
};
struct rtc_time { u8 sec, min, hour, day, month, year; };

static u8 rtc_read(u8 reg)
{
	outb(reg, RTC_INDEX);
	return inb(RTC_DATA);
}

static struct rtc_time read_all(void)
{
	return (struct rtc_time){
		.sec = rtc_read(RTC_SECONDS), .min = rtc_read(RTC_MINUTES), .hour = rtc_read(RTC_HOURS),
		.day = rtc_read(RTC_DAY), .month = rtc_read(RTC_MONTH), .year = rtc_read(RTC_YEAR),
	};
}

static u8 from_bcd(u8 v) { return (u8)((v >> 4) * 10 + (v & 15)); }

/* Until two readings agree, with no update under way. */
static struct rtc_time read_stable(void)
{
	struct rtc_time t, again = read_all();

	for (int i = 0; i < MAX_TRIES; i++) {
		if (rtc_read(RTC_STATUS_A) & RTC_UPDATING)
			continue;
		t = again;
		again = read_all();
		if (!memcmp(&t, &again, sizeof(t)))
			break;
	}
	return again;
}

/* What the chip says, in numbers: it may count in decimal digits and half days. */
static struct rtc_time decode(struct rtc_time t, u8 status_b)
{
	bool half_days = !(status_b & RTC_24_HOURS), pm = half_days && (t.hour & RTC_PM);

	if (half_days)
		t.hour &= (u8)~RTC_PM;
	if (!(status_b & RTC_BINARY))
		t = (struct rtc_time){
			.sec = from_bcd(t.sec), .min = from_bcd(t.min), .hour = from_bcd(t.hour),
			.day = from_bcd(t.day), .month = from_bcd(t.month), .year = from_bcd(t.year),
		};
	if (half_days)
		t.hour = (u8)(t.hour % 12 + (pm ? 12 : 0));
	return t;
}

static u64 days_since_1970(unsigned int year, unsigned int month, unsigned int day)
{
	static const u16 days_before[12] = { 0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334 };
	bool leap_day = year % 4 == 0 && month > 2;	/* right from 1970 to 2099 */

	return (year - 1970) * 365UL + (year - 1969) / 4 + days_before[(month - 1) % 12] + leap_day + day - 1;
}

u64 arch_rtc_seconds(void)
{
	struct rtc_time t = decode(read_stable(), rtc_read(RTC_STATUS_B));
	unsigned int year = t.year >= 70 ? 1900U + t.year : 2000U + t.year;

	return ((days_since_1970(year, t.month, t.day) * 24 + t.hour) * 60 + t.min) * 60 + t.sec;
}
