//! How to rotate a token that a secret manager keeps. The commands never hold the token themselves: it
//! goes from standard input to standard output.

/// The commands for one secret manager.
pub(super) fn of(place: &str, bot_id: Option<&str>) -> String {
    let bot = bot_id.unwrap_or("BOT_ID");
    let (store, fetch) = match place {
        "aws" => (
            "aws secretsmanager put-secret-value --secret-id notegate/notion --secret-string file:///dev/stdin",
            "aws secretsmanager get-secret-value --secret-id notegate/notion --query SecretString --output text",
        ),
        "gcp" => (
            "gcloud secrets versions add notegate-notion --data-file=-",
            "gcloud secrets versions access latest --secret=notegate-notion",
        ),
        _ => (
            "vault kv put -mount=secret notegate/notion token=-",
            "vault kv get -mount=secret -field=token notegate/notion",
        ),
    };
    format!(
        "# Refresh the secret in the integration's settings, then:\n\
         # 1. Keep the new token (paste it, then Ctrl-D)\n\
         {store}\n\
         # 2. Let notegate verify it and take it; calls go on\n\
         {fetch} | notegate workspaces rotate {bot}\n\
         # 3. See that it is in use\n\
         notegate workspaces show {bot}\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recipes_hold_the_commands_and_no_token() {
        for (place, words) in [
            ("aws", ["aws secretsmanager put-secret-value", "aws secretsmanager get-secret-value"]),
            ("gcp", ["gcloud secrets versions add", "gcloud secrets versions access"]),
            ("vault", ["vault kv put", "vault kv get"]),
        ] {
            let text = of(place, Some("abc"));
            assert!(words.iter().all(|word| text.contains(word)), "{text}");
            assert!(text.contains("workspaces rotate abc") && !text.contains("ntn_"), "{text}");
        }
    }
}
