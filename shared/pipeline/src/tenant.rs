//! Tenants that are names. An organization of Cloud Foundry is a GUID, which is never reused; a namespace of Kubernetes
//! is a name, which may belong to somebody else tomorrow. So a name has generations, each a tenant of its own.

/// The prefix of namespace names; an organization's GUID has no colon.
const NAMESPACE: &str = "k8s:";

/// The separator between a name and its generation. No name contains it.
pub const GENERATION: char = '#';

/// The owner of what belongs to all tenants: the only account at a CA. No tenant has this name.
pub const EVERYBODY: &str = "*";

/// The name of a namespace.
pub fn namespace(cluster: &str, namespace: &str) -> String {
    format!("{NAMESPACE}{cluster}/{namespace}")
}

/// Whether the tenant is a name that can be reused.
pub fn comes_back(tenant: &str) -> bool {
    tenant.starts_with(NAMESPACE)
}

/// The tenant for a generation of a name. The first, 0, is the name itself, as it was before generations were
/// introduced.
pub fn in_generation(name: &str, generation: i32) -> String {
    match generation {
        0 => name.to_owned(),
        generation => format!("{name}{GENERATION}{generation}"),
    }
}

/// The name of a tenant that is a generation of it.
pub fn name_of(tenant: &str) -> &str {
    tenant.split_once(GENERATION).map_or(tenant, |(name, _)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_namespaces_come_back_and_each_time_as_another_tenant() {
        let name = namespace("c", "n");
        assert!(comes_back(&name) && !comes_back("b9f0a5b0-org") && !comes_back("instance:i1"));
        assert_eq!(in_generation(&name, 0), "k8s:c/n");
        assert_eq!(in_generation(&name, 12), "k8s:c/n#12");
        assert_eq!([name_of("k8s:c/n"), name_of("k8s:c/n#12")], [name.as_str(); 2]);
    }
}
