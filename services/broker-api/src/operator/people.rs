//! The persons who may use the operator's page: OPERATOR_CREDENTIALS_FILE.

use std::path::Path;
use std::str::FromStr;

use operator_file::{Object, read};
use parameters::shown;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value;

use crate::platforms::{Login, password};

/// A name stands in the audit log.
const MOST_NAME: usize = 63;
/// Whoever knows a password can end every operation, and a page on a network can be tried at: so passwords are made, not thought of.
const SHORTEST_PASSWORD: usize = 16;

/// A person.
#[derive(Clone, Debug)]
pub(crate) struct Person {
    /// The name that is recorded is the user name.
    pub(crate) current: Login,
    /// Older passwords that are still accepted.
    pub(crate) previous: Vec<Login>,
}

/// The contents of OPERATOR_CREDENTIALS_FILE; empty when the setting is.
#[derive(Clone, Debug)]
pub struct People(pub(crate) Vec<Person>);

impl FromStr for People {
    type Err = String;

    /// Reads the named file and the files that it names, unless the name is empty.
    fn from_str(path: &str) -> Result<Self, String> {
        if path.is_empty() {
            return Ok(Self(Vec::new()));
        }
        let path = Path::new(path);
        people(&read(path)?, path.parent().unwrap_or(Path::new(""))).map(Self)
    }
}

/// `folder` is the base of relative paths of password files.
fn people(value: &Value, folder: &Path) -> Result<Vec<Person>, String> {
    let file = Object::of("", value)?;
    file.only(&["operators"])?;
    let people = file
        .items("operators")?
        .into_iter()
        .map(|(path, item)| person(&Object::of(path, item)?, folder))
        .collect::<Result<Vec<_>, _>>()?;
    if people.is_empty() {
        return Err("operators: the list is empty; nobody could use the page".into());
    }
    for (index, person) in people.iter().enumerate() {
        let name = &person.current.username;
        if let Some(earlier) = people[..index].iter().position(|other| other.current.username == *name) {
            return Err(format!(
                "operators[{index}].name: {} is the name of operators[{earlier}] as well",
                shown(name)
            ));
        }
    }
    Ok(people)
}

fn person(person: &Object<'_>, folder: &Path) -> Result<Person, String> {
    person.only(&["name", "password", "password_file", "previous"])?;
    let name = person.needed_text("name", MOST_NAME)?;
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._@".contains(&byte);
    if !name.bytes().all(plain) {
        return Err(format!(
            "{}: {} has other characters than letters, digits, hyphens, dots, underscores and @",
            person.at("name"),
            shown(name)
        ));
    }
    let login = |secret: SecretString| Login {
        username: name.to_owned(),
        password: secret,
    };
    let previous = person
        .items("previous")?
        .into_iter()
        .map(|(path, item)| {
            let older = Object::of(path, item)?;
            older.only(&["password", "password_file"])?;
            long_password(&older, folder).map(login)
        })
        .collect::<Result<Vec<_>, String>>()?;
    Ok(Person {
        current: login(long_password(person, folder)?),
        previous,
    })
}

fn long_password(login: &Object<'_>, folder: &Path) -> Result<SecretString, String> {
    let password = password(login, folder)?;
    match password.expose_secret().chars().count() {
        SHORTEST_PASSWORD.. => Ok(password),
        _ => Err(format!(
            "{}: it has fewer than {SHORTEST_PASSWORD} characters; make one with `openssl rand -base64 24`",
            login.at("password")
        )),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn passwords_come_from_the_file_itself_or_from_files_beside_it_and_do_not_print() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("bob"), "hunter3-hunter3-hunter3\n").unwrap();
        let file = folder.path().join("operators.json");
        let text = json!({"operators": [
            {"name": "alice@example.com", "password": "hunter2-hunter2-hunter2", "previous": [{"password": "hunter1-hunter1-hunter1"}]},
            {"name": "bob", "password_file": "bob"},
        ]});
        std::fs::write(&file, text.to_string()).unwrap();
        let read: People = file.to_str().unwrap().parse().unwrap();
        let logins: Vec<(String, String, usize)> = read
            .0
            .iter()
            .map(|person| {
                let Login { username, password } = &person.current;
                (
                    username.clone(),
                    password.expose_secret().to_owned(),
                    person.previous.len(),
                )
            })
            .collect();
        let expected = [
            ("alice@example.com", "hunter2-hunter2-hunter2", 1),
            ("bob", "hunter3-hunter3-hunter3", 0),
        ];
        assert_eq!(
            logins,
            expected.map(|(name, password, previous)| (name.to_owned(), password.to_owned(), previous))
        );
        assert!(!format!("{read:?}").contains("hunter"));
    }

    #[test]
    fn every_fault_is_named_and_no_password_is() {
        for (file, says) in [
            (json!({"operators": []}), "nobody could use the page"),
            (json!({"people": []}), "there is no key \"people\""),
            (
                json!({"operators": [{"name": "a", "password": "hunter2"}]}),
                "operators[0].password: it has fewer than 16 characters",
            ),
            (
                json!({"operators": [{"name": "a:b", "password": "hunter2-hunter2-hunter2"}]}),
                "operators[0].name: \"a:b\" has other characters",
            ),
            (
                json!({"operators": [{"name": "a", "password": "hunter2-hunter2-hunter2"}, {"name": "a", "password": "hunter3-hunter3-hunter3"}]}),
                "operators[1].name: \"a\" is the name of operators[0] as well",
            ),
            (
                json!({"operators": [{"name": "a", "username": "b", "password": "hunter2-hunter2-hunter2"}]}),
                "operators[0]: there is no key \"username\"",
            ),
            (
                json!({"operators": [{"name": "a", "password": "hunter2-hunter2-hunter2", "previous": [{"password": "hunter3"}]}]}),
                "operators[0].previous[0].password: it has fewer",
            ),
        ] {
            let error = people(&file, Path::new("/nowhere")).unwrap_err();
            assert!(error.contains(says), "{error}");
            assert!(!error.contains("hunter") && !error.contains('\n'), "{error}");
        }
    }
}
