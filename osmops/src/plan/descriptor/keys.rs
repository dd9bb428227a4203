//! What a descriptor can have at its top.

/// The keys of VNFDs and NSDs in OSM's information models, from ETSI SOL006 with OSM's augments (release 9 on) and from
/// OSM's own model before it. A record of OSM's list has more: what OSM itself adds when it lists packages, and what
/// later releases will add.
///
/// Source: OSM IM `etsi-nfv-vnfd.yang`, `etsi-nfv-nsd.yang`, `osm-vnfd.yang`, `osm-nsd.yang` and their augments.
#[rustfmt::skip]
const KEYS: [&str; 66] = [
    "algorithm", "auto-scale", "autoscale-rule", "certificate", "configurable-properties", "connection-point",
    "constituent-vnfd", "default-localization-language", "description", "designer", "df", "element-group", "ext-cpd",
    "http-endpoint", "id", "indicator", "input-parameter-xpath", "int-virtual-link-desc", "internal-vld", "invariant-id",
    "ip-profiles", "k8s-cluster", "kdu", "key-pair", "lifecycle-management-script", "localization-language", "logo",
    "mgmt-cp", "mgmt-interface", "modifiable-attributes", "monitoring-param", "name", "nested-nsd-id",
    "ns-configuration", "operational-status", "parameter-pool", "placement-groups", "pnfd-id", "product-info-description",
    "product-info-name", "product-name", "provider", "sapd", "scaling-group-descriptor", "security-group-rule",
    "service-function-chain", "service-function-type", "short-name", "signature", "software-version", "sw-image-desc",
    "user", "vdu", "vdu-dependency", "vendor", "version", "vip", "virtual-compute-desc", "virtual-link-desc",
    "virtual-storage-desc", "vld", "vnf-configuration", "vnf-dependency", "vnfd-id", "vnffgd", "vnfm-info",
];

/// Whether a key can be a descriptor's own; `key` is without the name of a module.
pub(super) fn is_a_descriptors(key: &str) -> bool {
    KEYS.binary_search(&key).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_keys_are_sorted() {
        assert!(KEYS.is_sorted());
    }
}
