/* Days; see day.h. */
#include "base/day.h"

#include <stdio.h>
#include <string.h>

#define EPOCH 719468 /* 1970-01-01, in days since 0000-03-01 */

static int days_in_month(int year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    const bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    return days[month - 1] + (leap && month == 2);
}

static int digits(const char *s, int n)
{
    int value = 0;
    for (int i = 0; i < n; i++) {
        if (s[i] < '0' || s[i] > '9')
            return -1;
        value = value * 10 + (s[i] - '0');
    }
    return value;
}

bool urs_day_parse(const char *text, int32_t *day)
{
    int year, month, date, era_year;
    int32_t count;
    if (strlen(text) < 10 || text[4] != text[7] || !strchr("-:/", text[4]))
        return false;
    year = digits(text, 4);
    month = digits(text + 5, 2);
    date = digits(text + 8, 2);
    if (year < 1 || month < 1 || month > 12 || date < 1 || date > days_in_month(year, month))
        return false;
    if (text[10] && (text[10] >= '0' && text[10] <= '9'))
        return false;
    era_year = month > 2 ? year : year - 1;
    count = era_year * 365 + era_year / 4 - era_year / 100 + era_year / 400 + (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + date - 1;
    *day = count - EPOCH;
    return true;
}

void urs_day_split(int64_t day, int32_t *year, int32_t *month, int32_t *date)
{
    const int64_t z = day + EPOCH, era = (z >= 0 ? z : z - 146096) / 146097, doe = z - era * 146097;
    const int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365, doy = doe - (365 * yoe + yoe / 4 - yoe / 100), mp = (5 * doy + 2) / 153;
    *date = (int32_t)(doy - (153 * mp + 2) / 5 + 1);
    *month = (int32_t)(mp < 10 ? mp + 3 : mp - 9);
    *year = (int32_t)(yoe + era * 400 + (*month <= 2));
}

int32_t urs_day_year(int32_t day)
{
    int32_t year, month, date;
    urs_day_split(day, &year, &month, &date);
    return year;
}

void urs_day_text(char out[16], int32_t day)
{
    int32_t year, month, date;
    urs_day_split(day, &year, &month, &date);
    (void)snprintf(out, 16, "%04d-%02d-%02d", (int)(year % 10000), (int)month, (int)date);
}
