//! Which drivers there are: the one table, and how a layer becomes a driver.
//!
//! A driver is added by its folder and one line in [`drivers`].

use lowerdeck_framework::driver::Driver;

use crate::definition::{LayerDefinition, LayerError, near_miss};
use crate::options::Options;
pub use crate::options::{OptionKind, OptionType};
use crate::{echo, null, passthrough, ram, scripted, terminator};

/// Makes a driver from its options and its seed.
pub(crate) type Factory = fn(&Options<'_>, u64) -> Result<Box<dyn Driver>, LayerError>;

/// One kind of driver, as documented.
#[derive(Debug, Clone, Copy)]
pub struct DriverKind {
    /// Its name in stack expressions.
    pub name: &'static str,
    /// What it is, in one line.
    pub summary: &'static str,
    /// What it deliberately leaves out.
    pub omits: &'static str,
    /// Whether it answers control commands (`Driver::on_control`).
    pub controllable: bool,
    /// Its options.
    pub options: &'static [OptionKind],
    pub(crate) factory: Factory,
}

/// All kinds, by name.
pub fn drivers() -> &'static [DriverKind] {
    const { &[echo::KIND, null::KIND, passthrough::KIND, ram::KIND, scripted::KIND, terminator::KIND] }
}

/// The kind named `name`.
///
/// # Errors
/// [`LayerError::UnknownDriver`] with what was probably meant.
pub fn driver(name: &str) -> Result<&'static DriverKind, LayerError> {
    drivers().iter().find(|kind| kind.name == name).ok_or_else(|| {
        let names = || drivers().iter().map(|kind| kind.name);
        LayerError::UnknownDriver {
            name: name.to_owned(),
            near_miss: near_miss(name, names()).map(str::to_owned),
            known: names().collect::<Vec<_>>().join(", "),
        }
    })
}

/// Makes the driver of a layer.
pub(crate) fn build(layer: &LayerDefinition, seed: u64) -> Result<Box<dyn Driver>, LayerError> {
    let kind = driver(&layer.driver)?;
    let options = Options::new(kind.options, layer)?;
    (kind.factory)(&options, seed)
}

#[cfg(test)]
mod tests;
