//! Tenants that are names. An organization of Cloud Foundry is a GUID, which nobody else is ever given; a namespace of Kubernetes is a
//! name, which may be somebody else's tomorrow. So a name has generations, each a tenant of its own.

/// How the names of namespaces begin; an organization's GUID has no colon.
const NAMESPACE: &str = "k8s:";

/// What ends a name and begins its generation. No name has it.
pub const GENERATION: char = '#';

/// The name of a namespace.
pub fn namespace(cluster: &str, namespace: &str) -> String {
    format!("{NAMESPACE}{cluster}/{namespace}")
}

/// Whether the tenant is a name that can come back.
pub fn comes_back(tenant: &str) -> bool {
    tenant.starts_with(NAMESPACE)
}

/// The tenant that a name is in its generation. The first, 0, is the name itself, as it was before there were generations.
pub fn in_generation(name: &str, generation: i32) -> String {
    match generation {
        0 => name.to_owned(),
        generation => format!("{name}{GENERATION}{generation}"),
    }
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
    }
}
