//! Wall times as people write them, always in UTC.

/// `2027-01-31T08:30:00Z`.
pub(crate) fn show(seconds: u64) -> String {
    let (days, rest) = (seconds / 86_400, seconds % 86_400);
    let (year, month, day) = civil(days);
    format!("{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}Z", rest / 3_600, rest / 60 % 60, rest % 60)
}

/// Reads `2027-01-31`, `2027-01-31T08:30:00Z`, or seconds since 1970.
pub(crate) fn parse(text: &str) -> Result<u64, String> {
    if let Ok(seconds) = text.parse() {
        return Ok(seconds);
    }
    let number = |range: core::ops::Range<usize>| -> Option<u64> {
        let digits = text.get(range)?;
        digits.bytes().all(|b| b.is_ascii_digit()).then(|| digits.parse().ok())?
    };
    let date = || Some((number(0..4)?, number(5..7)?, number(8..10)?));
    let of_day = || match text.len() {
        10 => Some(0),
        20 => Some(number(11..13)? * 3_600 + number(14..16)? * 60 + number(17..19)?),
        _ => None,
    };
    let (Some((year, month, day)), Some(of_day)) = (date(), of_day()) else { return Err(unreadable()) };
    if year < 1970 || !(1..=12).contains(&month) || !(1..=31).contains(&day) || of_day >= 86_400 {
        return Err(unreadable());
    }
    // Also tells a 31st of April, an hour of 25, and other separators.
    let seconds = days(year, month, day) * 86_400 + of_day;
    if show(seconds).starts_with(text.trim_end_matches('Z')) { Ok(seconds) } else { Err(unreadable()) }
}

fn unreadable() -> String {
    "a time is YYYY-MM-DD, YYYY-MM-DDTHH:MM:SSZ (both UTC) or seconds since 1970".to_owned()
}

/// Days since 1970-01-01, of the Gregorian calendar. Years are counted from March, so that a leap day ends one.
fn days(year: u64, month: u64, day: u64) -> u64 {
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let before_year = 365 * year + year / 4 - year / 100 + year / 400;
    before_year + (153 * month + 2) / 5 + day - 1 - 719_468
}

fn civil(days: u64) -> (u64, u64, u64) {
    let days = days + 719_468;
    let (era, of_era) = (days / 146_097, days % 146_097);
    let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let (year, month) = (era * 400 + year, if month < 10 { month + 3 } else { month - 9 });
    (if month <= 2 { year + 1 } else { year }, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_those_of_the_calendar() {
        for (seconds, text) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (1_700_000_000, "2023-11-14T22:13:20Z"),
            (4_107_542_399, "2100-02-28T23:59:59Z"),
            (4_107_542_400, "2100-03-01T00:00:00Z"),
        ] {
            assert_eq!(show(seconds), text);
            assert_eq!(parse(text), Ok(seconds));
        }
        assert_eq!(parse("2000-02-29"), Ok(951_782_400));
        assert_eq!(parse("12"), Ok(12));
        for bad in [
            "",
            "2001-02-29",
            "2000-13-01",
            "2000-01-01T24:00:00Z",
            "2000-01-01T00:61:00Z",
            "2000/01/01",
            "1969-12-31",
            "2000-01-01T00:00:00",
            "2000-01-01T00:00:00+",
            "-1",
            "2000-01-1é",
        ] {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn every_day_of_six_centuries_comes_back() {
        for day in 0..220_000 {
            let (year, month, of_month) = civil(day);
            assert_eq!(days(year, month, of_month), day);
        }
    }
}
