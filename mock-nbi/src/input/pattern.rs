//! Regular expressions of OSM's checks on addresses and times, each with a function that decides
//! the same.
//!
//! Source: OSM NBI `validation.py`.

use crate::schema::Pattern;

/// An IPv4 address.
pub(super) const IP: Pattern = Pattern {
    text: "^((25[0-5]|2[0-4][0-9]|[01]?[0-9][0-9]?)\\.){3}(25[0-5]|2[0-4][0-9]|[01]?[0-9][0-9]?)$",
    matches: is_ip,
};
/// An IPv6 address anywhere in the text; which expression it is never shows in a message.
pub(super) const IPV6: Pattern = Pattern { text: "", matches: has_ipv6 };
/// An IPv4 address with the length of its prefix, up to 30.
pub(super) const IP_PREFIX: Pattern = Pattern {
    text: "^((25[0-5]|2[0-4][0-9]|[01]?[0-9][0-9]?)\\.){3}(25[0-5]|2[0-4][0-9]|[01]?[0-9][0-9]?)/(30|[12]?[0-9])$",
    matches: is_prefix,
};
/// A unicast MAC address.
pub(super) const MAC: Pattern =
    Pattern { text: "^[0-9a-fA-F][02468aceACE](:[0-9a-fA-F]{2}){5}$", matches: is_mac };
/// A time as OSM's expression has it, which no real time matches.
pub(super) const TIME: Pattern = Pattern {
    text: "^[0-9]{4}-[0-1][0-9]-[0-3][0-9]T[0-2][0-9]([0-5]:){2}",
    matches: starts_with_time,
};

fn is_ip(text: &str) -> bool {
    let parts: Vec<&str> = text.split('.').collect();
    parts.len() == 4
        && parts.iter().all(|part| {
            (1..=3).contains(&part.len())
                && part.bytes().all(|byte| byte.is_ascii_digit())
                && part.parse::<u16>().is_ok_and(|number| number <= 255)
        })
}

fn is_prefix(text: &str) -> bool {
    text.split_once('/').is_some_and(|(ip, length)| {
        let is_number = (1..=2).contains(&length.len())
            && length.bytes().all(|byte| byte.is_ascii_digit())
            && !(length.len() == 2 && length.starts_with('0'));
        is_ip(ip) && is_number && length.parse::<u8>().is_ok_and(|length| length <= 30)
    })
}

fn is_mac(text: &str) -> bool {
    let parts: Vec<&str> = text.split(':').collect();
    parts.len() == 6
        && parts.iter().all(|part| part.len() == 2 && part.bytes().all(|b| b.is_ascii_hexdigit()))
        && parts[0].ends_with(['0', '2', '4', '6', '8', 'a', 'c', 'e', 'A', 'C', 'E'])
}

fn has_ipv6(text: &str) -> bool {
    let is_hex = |c: char| c.is_ascii_hexdigit();
    let groups: Vec<&str> = text.split(':').collect();
    let is_whole = groups.windows(8).any(|run| {
        run[0].ends_with(is_hex)
            && run[7].starts_with(is_hex)
            && run[1..7].iter().all(|it| (1..=4).contains(&it.len()) && it.chars().all(is_hex))
    });
    let has_zone = text
        .split_once("fe80:%")
        .is_some_and(|(_, zone)| zone.starts_with(|c: char| c.is_ascii_alphanumeric()));
    text.contains("::") || is_whole || has_zone
}

fn starts_with_time(text: &str) -> bool {
    const FORM: &[(u8, u8)] = &[
        (b'0', b'9'),
        (b'0', b'9'),
        (b'0', b'9'),
        (b'0', b'9'),
        (b'-', b'-'),
        (b'0', b'1'),
        (b'0', b'9'),
        (b'-', b'-'),
        (b'0', b'3'),
        (b'0', b'9'),
        (b'T', b'T'),
        (b'0', b'2'),
        (b'0', b'9'),
        (b'0', b'5'),
        (b':', b':'),
        (b'0', b'5'),
        (b':', b':'),
    ];
    text.len() >= FORM.len()
        && text.bytes().zip(FORM).all(|(byte, (from, to))| (*from..=*to).contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_told_from_what_only_looks_like_them() {
        let check = |pattern: &Pattern, text: &str, expected: bool| {
            assert_eq!((pattern.matches)(text), expected, "{text}");
        };
        check(&IP, "10.0.0.255", true);
        check(&IP, "10.0.0.256", false);
        for text in ["10.0.0.+1", "10.0.0.0001", "10.0.0.", "10.0.0.x", "10.0.0.0.0"] {
            check(&IP, text, false);
        }
        for text in ["10.0.0.0", "10.0.0/24", "10.0.0.0/", "10.0.0.0/+1", "10.0.0.0/024"] {
            check(&IP_PREFIX, text, false);
        }
        check(&IP_PREFIX, "10.0.0.0/8", true);
        for text in
            ["52:54:00:aa:bb", "52:54:00:aa:bb:c", "52:54:00:aa:bb:cg", "52:54:00:aa:bb:ccc"]
        {
            check(&MAC, text, false);
        }
        check(&IP, "10.0.0", false);
        check(&IP_PREFIX, "10.0.0.0/24", true);
        check(&IP_PREFIX, "10.0.0.0/31", false);
        check(&IP_PREFIX, "10.0.0.0/08", false);
        check(&MAC, "52:54:00:aa:bb:cc", true);
        check(&MAC, "53:54:00:aa:bb:cc", false);
        check(&IPV6, "fd00::1", true);
        check(&IPV6, "1:2:3:4:5:6:7:8", true);
        check(&IPV6, "from 1:2:3:4:5:6:7:8 on", true);
        for text in ["g:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:g", "1:2:3:4:5:6:77777:8", "1:2:3:4:g:6:7:8"]
        {
            check(&IPV6, text, false);
        }
        check(&IPV6, "1:2:3", false);
        check(&IPV6, "fe80:%eth0", true);
        check(&IPV6, "fe80:%", false);
        check(&TIME, "2020-01-01T00:00:00Z", false);
        check(&TIME, "2020-01-01T120:5:", true);
        check(&TIME, "2020-01-01T120:5", false);
        check(&TIME, "2020-01-01T120:6:", false);
    }
}
