//! A share of a processor, as Lambda gives it by memory.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};

use crate::runtime::Program;

/// The period in microseconds within which the share may be used up.
const PERIOD_US: u32 = 20_000;

/// A control group with a quota, removed with this value.
#[derive(Debug)]
pub struct Quota {
    group: PathBuf,
}

impl Drop for Quota {
    fn drop(&mut self) {
        // What is left of it is an empty folder of the kernel's.
        let _ = std::fs::remove_dir(&self.group);
    }
}

impl Quota {
    /// A group whose processes get this share of one processor together, by version 2 of control groups
    /// or by version 1 (`Documentation/scheduler/sched-bwc.rst` of the kernel).
    ///
    /// # Errors
    /// When this machine lets us make none: that takes root, or a group that was delegated to us.
    pub fn of(share: f64) -> anyhow::Result<Self> {
        let quota_us = (share * f64::from(PERIOD_US)).round();
        let name = format!("hashcart-{}", std::process::id());
        let (second, first) = (Path::new("/sys/fs/cgroup"), Path::new("/sys/fs/cgroup/cpu"));
        let made = |under: &Path, settings: &[(&str, String)]| -> anyhow::Result<Self> {
            let quota = Self { group: under.join(&name) };
            std::fs::create_dir(&quota.group).with_context(|| format!("{}", quota.group.display()))?;
            for (file, value) in settings {
                std::fs::write(quota.group.join(file), value).with_context(|| (*file).to_owned())?;
            }
            Ok(quota)
        };
        if second.join("cgroup.controllers").exists() {
            return made(second, &[("cpu.max", format!("{quota_us} {PERIOD_US}"))]);
        }
        if first.join("cpu.cfs_quota_us").exists() {
            let period = ("cpu.cfs_period_us", PERIOD_US.to_string());
            return made(first, &[period, ("cpu.cfs_quota_us", quota_us.to_string())]);
        }
        bail!("this system has no control groups")
    }

    /// Lets a program run in the group from its first instruction on.
    pub fn put_on(&self, program: &mut Program) {
        // The shell moves itself, then becomes the program.
        let procs = self.group.join("cgroup.procs");
        let script = format!("echo $$ > '{}' && exec \"$@\"", procs.display());
        let shell = ["sh", "-c", script.as_str(), "sh"].map(str::to_owned);
        program.command.splice(0..0, shell);
    }
}
