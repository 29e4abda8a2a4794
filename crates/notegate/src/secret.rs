//! Secrets from the environment or from files that only their owner can read. Never from flags.

use std::fs;
use std::path::Path;

use model::{ExposeSecret, SecretString};

/// Where people create an integration and its token.
pub(crate) const TOKEN_URL: &str = "https://www.notion.so/profile/integrations";

/// Reads a secret from a file; refuses one that others could read, too.
pub(crate) fn read_file(path: &Path) -> Result<SecretString, String> {
    let shown = path.display();
    let metadata =
        fs::metadata(path).map_err(|error| format!("{shown} cannot be read: {error}"))?;
    if !metadata.is_file() {
        return Err(format!("{shown} is no file"));
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = metadata.permissions().mode() & 0o777;
        if mode & 0o077 != 0 {
            return Err(format!(
                "{shown} can be read by others (mode {mode:04o}): run `chmod 600 {shown}`"
            ));
        }
    }
    if metadata.len() > 64 * 1024 {
        return Err(format!("{shown} is too large for a secret"));
    }
    let text =
        fs::read_to_string(path).map_err(|error| format!("{shown} cannot be read: {error}"))?;
    Ok(text.trim().to_owned().into())
}

/// Checks the form of a Notion token, without ever showing it.
pub(crate) fn check_token(name: &str, token: &SecretString) -> Result<(), String> {
    let token = token.expose_secret();
    let well_formed = ["ntn_", "secret_"].iter().any(|prefix| token.starts_with(prefix))
        && (8..=300).contains(&token.len())
        && token.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-');
    if well_formed {
        return Ok(());
    }
    Err(format!(
        "{name} has an unexpected format: a Notion token begins with `ntn_` (or, if it is old, with \
         `secret_`); copy the whole token from {TOKEN_URL}"
    ))
}

/// Whether it is a token that a sandbox made.
pub(crate) fn is_sandbox_token(token: &SecretString) -> bool {
    token.expose_secret().starts_with("ntn_sandbox")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_judged_by_their_form_and_never_shown() {
        let check = |text: &str| check_token("NOTION_TOKEN", &text.to_owned().into());
        assert!(check(&format!("ntn_{}", "a".repeat(40))).is_ok());
        assert!(check(&format!("secret_{}", "a".repeat(40))).is_ok());
        for wrong in ["abc", "", "ntn_", "Bearer ntn_abcdefgh", "ntn_abc def12", "ntn_ä12345678"] {
            let text = check(wrong).unwrap_err();
            assert!(text.contains("unexpected format"), "{text}");
            assert!(wrong.is_empty() || wrong == "ntn_" || !text.contains(wrong), "{text}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn files_that_others_can_read_are_refused() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("token");
        fs::write(&path, "ntn_x\n").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        assert!(read_file(&path).unwrap_err().contains("chmod 600"));
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        assert_eq!(read_file(&path).unwrap().expose_secret(), "ntn_x");
    }
}
