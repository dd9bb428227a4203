//! Fixed addresses of several machines: each follows the one before.
//!
//! Source: OSM NBI `base_topic.py`, `increment_ip_mac`.

use serde_json::Value;

/// The address `by` after this one; null where the text is no address, and what is no text stays.
pub(crate) fn following(address: &Value, by: u64) -> Value {
    let Some(text) = address.as_str() else {
        return address.clone();
    };
    if let Some(dot) = text.rfind('.').filter(|dot| *dot > 0) {
        let (head, last) = text.split_at(dot + 1);
        return last
            .trim()
            .parse::<u64>()
            .map_or(Value::Null, |last| format!("{head}{}", last.saturating_add(by)).into());
    }
    if let Some(colon) = text.rfind(':').filter(|colon| *colon > 0) {
        let (head, last) = text.split_at(colon + 1);
        return u64::from_str_radix(last, 16).map_or(Value::Null, |number| {
            let number = format!("{:x}", number.saturating_add(by));
            format!("{head}{}{number}", "0".repeat(last.len().saturating_sub(number.len()))).into()
        });
    }
    Value::Null
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_counted_on_in_their_last_part() {
        let check = |address: &str, expected: &str| {
            assert_eq!(following(&address.into(), 2), expected, "{address}");
        };
        check("10.0.0.9", "10.0.0.11");
        check("52:54:00:aa:bb:0e", "52:54:00:aa:bb:10");
        check("fd00::a", "fd00::c");
        assert_eq!(following(&".9".into(), 1), Value::Null);
        assert_eq!(following(&":9".into(), 1), Value::Null);
        assert_eq!(following(&"10.0.0.x".into(), 1), Value::Null);
        let zeros = "0".repeat(70_000);
        check(&format!("a:{zeros}9"), &format!("a:{zeros}b"));
        assert_eq!(following(&"host".into(), 1), Value::Null);
        assert_eq!(following(&Value::Null, 1), Value::Null);
    }
}
