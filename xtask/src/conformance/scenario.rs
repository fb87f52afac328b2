//! The scenario ids of the specification: twelve groups, 278 ids. They are stable, so this table only ever grows.

use std::fmt;

/// A group of scenarios, numbered from 01 without gaps.
pub struct Group {
    pub letter: char,
    pub title: &'static str,
    pub count: u8,
}

#[rustfmt::skip]
pub const GROUPS: [Group; 12] = [
    Group { letter: 'A', count: 29, title: "Creating a driver-created file" },
    Group { letter: 'B', count: 33, title: "Closing" },
    Group { letter: 'C', count: 37, title: "I/O targets" },
    Group { letter: 'D', count: 40, title: "Requests: life cycle, Send, flags, results" },
    Group { letter: 'E', count: 32, title: "Cancellation and timeouts" },
    Group { letter: 'F', count: 19, title: "Queues of hosted drivers" },
    Group { letter: 'G', count: 20, title: "File-handle targets" },
    Group { letter: 'H', count: 14, title: "IOCTL codes and buffers" },
    Group { letter: 'I', count: 29, title: "PnP, power, removal, driver stop" },
    Group { letter: 'J', count:  9, title: "Locks and threads" },
    Group { letter: 'K', count: 11, title: "Remote-client specifics" },
    Group { letter: 'L', count:  5, title: "Status vocabulary" },
];

/// One scenario's id, such as `B09`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Scenario {
    pub letter: char,
    pub number: u8,
}

impl Group {
    pub fn scenarios(&self) -> impl Iterator<Item = Scenario> {
        let letter = self.letter;
        (1..=self.count).map(move |number| Scenario { letter, number })
    }
}

impl Scenario {
    /// The id that the name of a test begins with: `b09_only_the_creators_requests_are_cancelled`.
    ///
    /// `None` when the name does not begin like an id; the id need not exist.
    pub fn named_by(test: &str) -> Option<Self> {
        let (id, law) = test.split_once('_')?;
        let mut characters = id.chars();
        let letter = characters.next().filter(char::is_ascii_lowercase)?;
        let digits = characters.as_str();
        let two_digits = digits.len() == 2 && digits.bytes().all(|byte| byte.is_ascii_digit());
        (two_digits && !law.is_empty())
            .then_some(Self { letter: letter.to_ascii_uppercase(), number: digits.parse().ok()? })
    }

    /// Whether the specification has it.
    pub fn exists(self) -> bool {
        GROUPS.iter().any(|group| group.letter == self.letter && (1..=group.count).contains(&self.number))
    }
}

impl fmt::Display for Scenario {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{:02}", self.letter, self.number)
    }
}
