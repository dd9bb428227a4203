//! Decimal numbers as Python's `decimal` module reads, compares, rounds and prints them.

use std::cmp::Ordering;
use std::fmt;

use serde_json::Number;

/// A decimal number: `digits` (without leading zeros) times ten to the power of `exponent`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Decimal {
    is_negative: bool,
    digits: String,
    exponent: i64,
}

/// Exponents beyond this are not read; no descriptor has a use for them.
const EXPONENT_MAX: u64 = 1000;

impl Decimal {
    fn new(is_negative: bool, digits: &str, exponent: i64) -> Self {
        let digits = digits.trim_start_matches('0');
        let digits = if digits.is_empty() { "0" } else { digits };
        Self { is_negative, digits: digits.to_owned(), exponent }
    }

    /// Reads `[+-]digits[.digits][e[+-]digits]`.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let text = text.trim().replace('_', "");
        let (is_negative, text) = match text.strip_prefix('-') {
            Some(text) => (true, text),
            None => (false, text.strip_prefix('+').unwrap_or(&text)),
        };
        let (number, power) = match text.split_once(['e', 'E']) {
            Some((number, power)) => (number, power.parse::<i64>().ok()?),
            None => (text, 0),
        };
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        let is_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        if (whole.is_empty() && fraction.is_empty())
            || !is_digits(whole)
            || !is_digits(fraction)
            || power.unsigned_abs() > EXPONENT_MAX
        {
            return None;
        }
        let exponent = power - i64::try_from(fraction.len()).ok()?;
        Some(Self::new(is_negative, &format!("{whole}{fraction}"), exponent))
    }

    /// The exact value of a number, which for a binary fraction can be long.
    pub(crate) fn of_number(number: &Number) -> Option<Self> {
        if !number.is_f64() {
            return Self::parse(&number.to_string());
        }
        // No f64 has more digits behind the point.
        let text = format!("{:.1074}", number.as_f64()?);
        let (whole, fraction) = text.split_once('.')?;
        let fraction = fraction.trim_end_matches('0');
        Self::parse(&if fraction.is_empty() { whole.into() } else { format!("{whole}.{fraction}") })
    }

    /// The number with exactly `places` digits behind the point, halves going to the even side.
    pub(crate) fn rounded(&self, places: usize) -> Self {
        let wanted = -i64::try_from(places).unwrap_or(0);
        if self.exponent >= wanted {
            let zeros = usize::try_from(self.exponent - wanted).unwrap_or(0);
            return Self::new(
                self.is_negative,
                &format!("{}{}", self.digits, "0".repeat(zeros)),
                wanted,
            );
        }
        let cut = usize::try_from(wanted - self.exponent).unwrap_or(0);
        let padded = format!("{}{}", "0".repeat(cut), self.digits);
        let (kept, rest) = padded.split_at(padded.len() - cut);
        let half = format!("5{}", "0".repeat(cut - 1));
        let is_odd = kept.bytes().last().is_some_and(|byte| byte % 2 == 1);
        let goes_up = rest > half.as_str() || (rest == half && is_odd);
        let digits = if goes_up { plus_one(kept) } else { kept.to_owned() };
        Self::new(self.is_negative, &digits, wanted)
    }

    fn is_zero(&self) -> bool {
        self.digits == "0"
    }
}

fn plus_one(digits: &str) -> String {
    let mut out: Vec<u8> = digits.bytes().collect();
    for byte in out.iter_mut().rev() {
        if *byte == b'9' {
            *byte = b'0';
        } else {
            *byte += 1;
            return String::from_utf8_lossy(&out).into_owned();
        }
    }
    format!("1{}", String::from_utf8_lossy(&out))
}

impl From<u64> for Decimal {
    fn from(number: u64) -> Self {
        Self::new(false, &number.to_string(), 0)
    }
}

impl From<i128> for Decimal {
    fn from(number: i128) -> Self {
        Self::new(number < 0, &number.unsigned_abs().to_string(), 0)
    }
}

impl PartialOrd for Decimal {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        let sign = |number: &Self| match (number.is_zero(), number.is_negative) {
            (true, _) => 0,
            (false, true) => -1,
            (false, false) => 1,
        };
        if sign(self) != sign(other) {
            return Some(sign(self).cmp(&sign(other)));
        }
        let low = self.exponent.min(other.exponent);
        let aligned = |number: &Self| {
            let zeros = usize::try_from(number.exponent - low).unwrap_or(0);
            format!("{}{}", number.digits, "0".repeat(zeros))
        };
        let (a, b) = (aligned(self), aligned(other));
        let size = a.len().cmp(&b.len()).then_with(|| a.cmp(&b));
        Some(if self.is_negative { size.reverse() } else { size })
    }
}

/// Python's `str`: with an exponent only where it would be positive or the number is tiny.
impl fmt::Display for Decimal {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_negative {
            formatter.write_str("-")?;
        }
        let length = i64::try_from(self.digits.len()).unwrap_or(i64::MAX);
        let adjusted = self.exponent + length - 1;
        if self.exponent == 0 {
            return formatter.write_str(&self.digits);
        }
        if self.exponent < 0 && adjusted >= -6 {
            let places = usize::try_from(-self.exponent).unwrap_or(0);
            let zeros = "0".repeat((places + 1).saturating_sub(self.digits.len()));
            let padded = format!("{zeros}{}", self.digits);
            let (whole, fraction) = padded.split_at(padded.len() - places);
            return write!(formatter, "{whole}.{fraction}");
        }
        let (first, rest) = self.digits.split_at(1);
        let point = if rest.is_empty() { "" } else { "." };
        write!(formatter, "{first}{point}{rest}E{adjusted:+}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, plain: &str, rounded_to_four: &str) {
        let number = Decimal::parse(text).unwrap();
        assert_eq!(number.to_string(), plain);
        assert_eq!(number.rounded(4).to_string(), rounded_to_four);
    }

    #[test]
    fn numbers_print_and_round_as_in_python() {
        check("2.50", "2.50", "2.5000");
        check("1e3", "1E+3", "1000.0000");
        check("-0.00005", "-0.00005", "-0.0000");
        check("0.00015", "0.00015", "0.0002");
        check("9.99995", "9.99995", "10.0000");
        check("1e-9", "1E-9", "0.0000");
        assert_eq!(Decimal::of_number(&Number::from_f64(1.0).unwrap()).unwrap().to_string(), "1");
        assert_eq!(
            Decimal::of_number(&Number::from_f64(0.1).unwrap()).unwrap().to_string(),
            "0.1000000000000000055511151231257827021181583404541015625"
        );
        for text in ["x", "1e1001", "1e-1001", "1e-9223372036854775808"] {
            assert_eq!(Decimal::parse(text), None, "{text}");
        }
        for text in ["1e1000", "1e-1000"] {
            assert!(Decimal::parse(text).is_some(), "{text}");
        }
    }

    #[test]
    fn a_number_can_be_longer_than_rust_pads() {
        let long = format!("0.{}", "1".repeat(70_000));
        assert_eq!(Decimal::parse(&long).unwrap().to_string(), long);
    }

    #[test]
    fn numbers_compare_by_value() {
        let number = |text| Decimal::parse(text).unwrap();
        assert!(number("2") < number("10") && number("-3") < number("-2.5"));
        assert!(number("1.00") <= number("1") && number("0.5") > number("0"));
    }

    #[test]
    fn whole_numbers_of_any_size_keep_their_sign() {
        for (number, text) in [
            (0, "0"),
            (-7, "-7"),
            (i128::from(u64::MAX), "18446744073709551615"),
            (-i128::from(u64::MAX), "-18446744073709551615"),
        ] {
            assert_eq!(Decimal::from(number).to_string(), text);
        }
        assert!(Decimal::from(-1i128) < Decimal::from(0i128));
        assert!(Decimal::from(0i128) < Decimal::from(1i128));
        assert!(Decimal::from(-1i128) < Decimal::from(1i128));
    }

    #[test]
    fn an_exponent_is_printed_from_seven_zeros_on() {
        for (text, printed) in
            [("0.000001", "0.000001"), ("0.0000001", "1E-7"), ("12e2", "1.2E+3"), ("0.5", "0.5")]
        {
            assert_eq!(Decimal::parse(text).unwrap().to_string(), printed);
        }
    }
}
