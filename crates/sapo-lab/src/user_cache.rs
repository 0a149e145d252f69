use std::path::PathBuf;

/// A folder of the per-user cache, which all checkouts share: below `SAPO_CACHE`, else below `sapo` in the user's cache
/// folder (`XDG_CACHE_HOME`, else `~/.cache`), else, where there is no home, below `.sapo-cache` in the current folder.
#[must_use]
pub fn user_cache(relative: &str) -> PathBuf {
    root(|name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from)).join(relative)
}

fn root(variable: impl Fn(&str) -> Option<PathBuf>) -> PathBuf {
    variable("SAPO_CACHE")
        .or_else(|| variable("XDG_CACHE_HOME").map(|cache| cache.join("sapo")))
        .or_else(|| variable("HOME").map(|home| home.join(".cache/sapo")))
        .unwrap_or_else(|| PathBuf::from(".sapo-cache"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_variable_decides() {
        let among = |set: &[(&str, &str)]| {
            root(|name| set.iter().find(|(set, _)| *set == name).map(|(_, value)| PathBuf::from(value)))
        };
        let all = [("HOME", "/home/a"), ("XDG_CACHE_HOME", "/c"), ("SAPO_CACHE", "/s")];
        assert_eq!(among(&all), PathBuf::from("/s"));
        assert_eq!(among(&all[..2]), PathBuf::from("/c/sapo"));
        assert_eq!(among(&all[..1]), PathBuf::from("/home/a/.cache/sapo"));
        assert_eq!(among(&[]), PathBuf::from(".sapo-cache"));
    }
}
