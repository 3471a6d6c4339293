# function
import calendar
import locale

print(calendar.month(2024, 2))
print(calendar.monthrange(2023, 2), calendar.isleap(1900), calendar.day_name[0])
print(locale.format_string("%d items", 1234567, grouping=True), locale.localeconv()["decimal_point"])
