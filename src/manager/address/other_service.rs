//! Recognises the addresses of Trend Micro services that are not managers, and suggests the address of the manager.

use super::host::is_under;

/// The page of the Vision One console where keys for the manager's API are created.
pub(crate) const KEY_PAGE: &str =
    "Server & Workload Protection > Administration > User Management > API Keys";

/// The domain of the Vision One platform outside Japan.
const PLATFORM: &str = "xdr.trendmicro.com";
const PLATFORM_OF_JAPAN: &str = "xdr.trendmicro.co.jp";

/// Pairs of regions: the region in an address of the Vision One platform, and the region in the address of the hosted manager.
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

/// If the host belongs to a Trend Micro service that is not a manager, returns the name of that service and a hint. `None` if the host may be a
/// manager.
pub(super) fn of_host(host: &str) -> Option<(&'static str, String)> {
    if host.starts_with("accounts.") && is_under(host, "cloudone.trendmicro.com") {
        return Some((
            "the Trend Micro Cloud One account service, not a manager",
            "use the address of the manager, https://workload.REGION.cloudone.trendmicro.com, and a key from the Cloud One console \
             (`--api-key-file`)"
                .to_owned(),
        ));
    }
    let domains = [PLATFORM, PLATFORM_OF_JAPAN];
    let domain = (domains.into_iter()).find(|domain| is_under(host, domain))?;
    let region = manager_region(host, domain).unwrap_or("REGION");
    Some((
        "the Trend Vision One platform, not a manager",
        format!(
            "use the address of the manager, https://workload.{region}.cloudone.trendmicro.com, and create a key for it in the Vision One \
             console under {KEY_PAGE}"
        ),
    ))
}

/// Returns the region of the hosted manager for a Vision One host: `de-1` for `api.eu.xdr.trendmicro.com`. Returns `us-1` for
/// `api.xdr.trendmicro.com`, and `None` if the region is unknown.
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
    fn the_hint_names_the_manager_in_the_same_region() {
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
