//! On what screen, and in what colours, a page is looked at.

/// A screen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Device {
    /// Wide, with a mouse.
    Desktop,
    /// Narrow, with a finger.
    Phone,
}

/// The colours that a reader prefers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    /// Dark on light.
    Light,
    /// Light on dark.
    Dark,
}

/// A screen and its colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Appearance {
    /// The screen.
    pub device: Device,
    /// Its colours.
    pub scheme: Scheme,
}

impl Device {
    /// Width and height in CSS pixels.
    pub fn size(self) -> (u32, u32) {
        match self {
            Self::Desktop => (1280, 900),
            Self::Phone => (390, 844),
        }
    }

    /// Pixels of the screen for one of CSS.
    pub fn density(self) -> u32 {
        match self {
            Self::Desktop => 1,
            Self::Phone => 2,
        }
    }

    /// Its name in a file's.
    pub fn name(self) -> &'static str {
        match self {
            Self::Desktop => "desktop",
            Self::Phone => "phone",
        }
    }
}

impl Scheme {
    /// As in `prefers-color-scheme`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }
}

impl Appearance {
    /// How a browser looks at first.
    pub const FIRST: Self = Self::of(Device::Desktop, Scheme::Light);

    /// All of them.
    pub const ALL: [Self; 4] = [
        Self::FIRST,
        Self::of(Device::Desktop, Scheme::Dark),
        Self::of(Device::Phone, Scheme::Light),
        Self::of(Device::Phone, Scheme::Dark),
    ];

    const fn of(device: Device, scheme: Scheme) -> Self {
        Self { device, scheme }
    }

    /// Its name in a file's.
    pub fn name(self) -> String {
        format!("{}-{}", self.device.name(), self.scheme.name())
    }
}
