//! Scopes, and what they are in notegate's words: each stands for a role, and has those before it in it.

use model::Role;
use model::role::Permission;

/// Every scope with its role, narrowest first.
const TABLE: [(&str, Role); 3] =
    [("notion:read", Role::Viewer), ("notion:write", Role::Editor), ("notion:delete", Role::Admin)];

/// The scope that a client begins with.
pub const SCOPE_FIRST: &str = "notion:read";
/// Every scope.
pub const SCOPES: [&str; 3] = [TABLE[0].0, TABLE[1].0, TABLE[2].0];
/// Says that a client wants refresh tokens. It gets them anyway.
const OFFLINE: &str = "offline_access";
/// What is asked for when nothing is.
const DEFAULT: Role = Role::Editor;

/// The role that a scope stands for; `None` if it stands for none. What is not known is not looked at.
pub(super) fn role_of(scope: &str) -> Option<Role> {
    scope
        .split(' ')
        .filter_map(|word| TABLE.iter().find(|(name, _)| *name == word))
        .map(|it| it.1)
        .max()
}

/// The role that a request asks for, by its scope if it has one.
pub(super) fn asked(scope: Option<&str>) -> Option<Role> {
    let mut words = scope.unwrap_or_default().split(' ').filter(|it| !it.is_empty()).peekable();
    let nothing = words.peek().is_none() || words.all(|word| word == OFFLINE);
    if nothing { Some(DEFAULT) } else { role_of(scope.unwrap_or_default()) }
}

/// The scope of a role: all that it has in it.
pub(super) fn of_role(role: Role) -> &'static str {
    match role {
        Role::Viewer => "notion:read",
        Role::Editor => "notion:read notion:write",
        Role::Admin => "notion:read notion:write notion:delete",
    }
}

/// The scope that a caller needs who wants to do that.
pub(super) fn needed(permission: Permission) -> &'static str {
    let role = Role::ALL.into_iter().find(|role| role.grants(permission));
    of_role(role.unwrap_or(Role::Admin))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_08_unknown_scopes_are_dropped_and_known_ones_imply_those_before() {
        assert_eq!(asked(None), Some(Role::Editor));
        assert_eq!(asked(Some("")), Some(Role::Editor));
        assert_eq!(asked(Some("offline_access")), Some(Role::Editor));
        assert_eq!(asked(Some("notion:read offline_access x")), Some(Role::Viewer));
        assert_eq!(asked(Some("notion:write")), Some(Role::Editor));
        assert_eq!(asked(Some("notion:delete notion:read")), Some(Role::Admin));
        assert_eq!(asked(Some("x y")), None);
        assert_eq!(asked(Some("NOTION:READ")), None);
        for role in Role::ALL {
            assert_eq!(role_of(of_role(role)), Some(role));
        }
    }

    #[test]
    fn rs_04_a_challenge_names_all_scopes_of_the_operation() {
        assert_eq!(needed(Permission::Read), "notion:read");
        assert_eq!(needed(Permission::Write), "notion:read notion:write");
        assert_eq!(needed(Permission::Delete), "notion:read notion:write notion:delete");
    }
}
