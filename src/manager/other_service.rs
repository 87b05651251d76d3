//! The vendor's other services: what their addresses look like, and where their users find the manager.

use super::address::is_under;

/// The page of the Vision One console on which a key for the manager's API is made.
pub(crate) const KEY_PAGE: &str =
    "Server & Workload Protection > Administration > User Management > API Keys";

/// The domain of the Vision One platform, but for Japan.
const PLATFORM: &str = "xdr.trendmicro.com";
const PLATFORM_OF_JAPAN: &str = "xdr.trendmicro.co.jp";

/// The regions of the Vision One platform, as its addresses name them, and those of the managers.
const REGIONS: [(&str, &str); 12] = [
    ("us", "us-1"),
    ("eu", "de-1"),
    ("de", "de-1"),
    ("jp", "jp-1"),
    ("sg", "sg-1"),
    ("au", "au-1"),
    ("in", "in-1"),
    ("uk", "gb-1"),
    ("gb", "gb-1"),
    ("ca", "ca-1"),
    ("mea", "ae-1"),
    ("uae", "ae-1"),
];

/// The service at this host, if it is not a manager: what it is, and what to do.
pub(super) fn of_host(host: &str) -> Option<(&'static str, String)> {
    if host.starts_with("accounts.") && is_under(host, "cloudone.trendmicro.com") {
        return Some((
            "the account service of Trend Micro Cloud One, which is not a manager: new Cloud One accounts manage their keys there, with \
             other roles and fields",
            "make such a key in the Cloud One console, and sign with it here (`--api-key-file`); the manager is at \
             https://workload.REGION.cloudone.trendmicro.com"
                .to_owned(),
        ));
    }
    let domains = [PLATFORM, PLATFORM_OF_JAPAN];
    let domain = (domains.into_iter()).find(|domain| is_under(host, domain))?;
    let region = manager_region(host, domain).unwrap_or("REGION");
    Some((
        "the Trend Vision One platform, which is not a manager: its keys and its API are different",
        format!(
            "use the address of the manager, https://workload.{region}.cloudone.trendmicro.com, and make a key for it in the Vision One \
             console under {KEY_PAGE}"
        ),
    ))
}

/// The region of the manager that belongs to a host of the platform. The API without a region in its address is that of the United
/// States.
fn manager_region(host: &str, domain: &str) -> Option<&'static str> {
    let labels = host.strip_suffix(domain).unwrap_or_default();
    let mut labels = labels.split('.').filter(|label| !label.is_empty());
    let named = match (labels.next(), labels.next()) {
        _ if domain == PLATFORM_OF_JAPAN => "jp",
        (Some("api"), None) => "us",
        (Some(_), Some(region)) => region,
        _ => return None,
    };
    let found = REGIONS.iter().find(|(region, _)| *region == named);
    found.map(|(_, region)| *region)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_manager_of_a_platforms_region_is_named() {
        for (host, region) in [
            ("api.xdr.trendmicro.com", "us-1"),
            ("api.eu.xdr.trendmicro.com", "de-1"),
            ("portal.uk.xdr.trendmicro.com", "gb-1"),
            ("api.mea.xdr.trendmicro.com", "ae-1"),
            ("api.xdr.trendmicro.co.jp", "jp-1"),
            ("api.za.xdr.trendmicro.com", "REGION"),
            ("api.usgov.xdr.trendmicro.com", "REGION"),
            ("portal.xdr.trendmicro.com", "REGION"),
            ("xdr.trendmicro.com", "REGION"),
        ] {
            let (_, hint) = of_host(host).unwrap_or_default();
            let named = format!("https://workload.{region}.cloudone.trendmicro.com,");
            assert!(hint.contains(&named), "{host}: {hint}");
        }
    }
}
