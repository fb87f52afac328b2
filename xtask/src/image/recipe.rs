//! The final stage of the Dockerfile, for a build without the first one.

use anyhow::{Context, Result, bail};

/// How the final stage takes the binary from the first.
const FROM_THE_FIRST_STAGE: &str = "COPY --from=build /out/ /";
/// The same from a build context.
const FROM_THE_CONTEXT: &str = "COPY . /";

/// The text from `FROM scratch` on, with what came from the first stage taken from the build context.
pub fn final_stage(dockerfile: &str) -> Result<String> {
    let start = dockerfile.find("\nFROM scratch").context("docker/Dockerfile has no stage `FROM scratch`")?;
    let stage = dockerfile[start..].trim_start();
    if stage.matches(FROM_THE_FIRST_STAGE).count() != 1 || stage.matches("--from=").count() != 1 {
        bail!("docker/Dockerfile: the final stage must say `{FROM_THE_FIRST_STAGE}` once, and take nothing else");
    }
    Ok(stage.replace(FROM_THE_FIRST_STAGE, FROM_THE_CONTEXT))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_final_stage_needs_nothing_of_the_first() {
        let stage = final_stage(include_str!("../../../docker/Dockerfile")).expect("ours has one");
        assert!(stage.starts_with("FROM scratch\n"));
        assert!(stage.contains(FROM_THE_CONTEXT) && !stage.contains("--from"));
        assert_eq!(stage.matches("FROM ").count(), 1);
    }

    #[test]
    fn a_stage_that_takes_more_is_refused() {
        assert!(final_stage("FROM rust\n").is_err());
        assert!(
            final_stage("FROM a AS build\nFROM scratch\nCOPY --from=build /out/ /\nCOPY --from=build /etc /\n")
                .is_err()
        );
    }
}
