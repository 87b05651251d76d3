//! The one transaction that makes a secret: prepared -> asked -> minted -> delivered -> settled.
//!
//! No other room creates a key. The sinks are ready before the manager is asked; what cannot be delivered is deleted again while
//! the session still stands. From "asked" to "settled" the run is not left: a signal is noticed and obeyed after the key was
//! delivered or undone. What each end leaves behind:
//!
//! | the run ends | on the manager | exit |
//! | --- | --- | --- |
//! | before "asked" | nothing | of the cause |
//! | the manager refuses | nothing | of the cause |
//! | the answer is lost | perhaps a key whose secret nobody has | 11, with its name |
//! | a sink fails, or a signal came, and the key is deleted | nothing | 10, 129, 130, 143 |
//! | the same, and deleting fails | a key whose secret nobody has | 11, with its ID |
//! | delivered | the key | 0 |

use serde_json::{Map, Value};

use crate::context::{Context, Unsettled};
use crate::delivery::{Parcel, Sink};
use crate::error::{Error, Kind};
use crate::manager::{ApiKey, Cause, NewApiKey, SignedIn};
use crate::secret::Secret;

/// Sinks that are ready; nothing was asked of the manager.
pub(crate) struct Prepared {
    sinks: Vec<Box<dyn Sink>>,
}

/// A key that was delivered.
pub(crate) struct Delivered {
    /// The manager's object, without the secret.
    pub(crate) fields: Map<String, Value>,
    /// When it ends, by the manager's word.
    pub(crate) expiry_date: Option<i64>,
}

/// A key that exists, and whose secret only this run has. It ends delivered or deleted.
struct Minted {
    id: i64,
    name: String,
    fields: Map<String, Value>,
    expiry_date: Option<i64>,
    secret: Secret,
}

impl Prepared {
    /// Takes sinks that are ready. Delivering goes in this order, so one that cannot be taken back stands last.
    pub(crate) fn new(sinks: Vec<Box<dyn Sink>>) -> Self {
        Self { sinks }
    }

    /// The places, in words.
    pub(crate) fn places(&self) -> Vec<String> {
        self.sinks.iter().map(|sink| sink.place()).collect()
    }

    /// Creates the key and delivers its secret. `meta` is what the document on stdout says beside the manager's fields.
    ///
    /// # Errors
    /// After each the key is gone, or the error says that it may not be.
    pub(crate) async fn mint(
        mut self,
        context: &Context,
        signed_in: &SignedIn,
        key: &NewApiKey,
        meta: &Value,
    ) -> Result<Delivered, Error> {
        if let Some(signal) = context.interrupt.asked() {
            return Err(Error::interrupted(signal));
        }
        context.set_unsettled(Some(Unsettled {
            what: format!("the key `{}` may have been created", key.key_name),
            key_id: None,
        }));
        let result = self.ask_and_deliver(context, signed_in, key, meta).await;
        context.set_unsettled(None);
        result
    }

    async fn ask_and_deliver(
        &mut self,
        context: &Context,
        signed_in: &SignedIn,
        key: &NewApiKey,
        meta: &Value,
    ) -> Result<Delivered, Error> {
        let minted = ask(context, signed_in, key).await?;
        // Nobody has the secret yet, so a run that was told to end ends with nothing left.
        if let Some(signal) = context.interrupt.asked() {
            undo(
                signed_in,
                &minted.name,
                minted.id,
                "the run was interrupted",
            )
            .await?;
            return Err(Error::interrupted(signal));
        }
        let parcel = Parcel {
            secret: &minted.secret,
            fields: &minted.fields,
            meta,
        };
        if let Err(failure) = deliver(&mut self.sinks, &parcel) {
            undo(signed_in, &minted.name, minted.id, &failure).await?;
            return Err(Error::new(
                Kind::Undelivered,
                format!(
                    "{failure}; the key `{}` (ID {}) was deleted again",
                    minted.name, minted.id
                ),
            )
            .hint("mend the place it goes to, and run it again")
            .key(minted.id));
        }
        Ok(Delivered {
            fields: minted.fields,
            expiry_date: minted.expiry_date,
        })
    }
}

/// Asks for the key. An error says whether it may exist.
async fn ask(context: &Context, signed_in: &SignedIn, key: &NewApiKey) -> Result<Minted, Error> {
    let mut created: ApiKey = match signed_in.create_api_key(key).await {
        Ok(created) => created,
        Err(error) if error.cause().nothing_was_done() => return Err(error.into()),
        Err(error) => return Err(lost(key, error.into())),
    };
    let name = created.name().unwrap_or(&key.key_name).to_owned();
    context.set_unsettled(Some(Unsettled {
        what: format!(
            "the key `{name}` (ID {}) was created and not delivered",
            created.id
        ),
        key_id: Some(created.id),
    }));
    let Some(secret) = created.take_secret() else {
        let failure = "the manager's answer holds no secretKey";
        undo(signed_in, &name, created.id, failure).await?;
        return Err(Error::new(
            Kind::Undelivered,
            format!(
                "{failure}; the key `{name}` (ID {}) was deleted again",
                created.id
            ),
        )
        .key(created.id));
    };
    Ok(Minted {
        id: created.id,
        name,
        expiry_date: created.expiry_date(),
        fields: created.fields(),
        secret,
    })
}

/// The answer to a create did not come, or cannot be read: the key may exist, and nobody has its secret.
fn lost(key: &NewApiKey, error: Error) -> Error {
    Error::new(Kind::Attention, format!("{error}; it is not known whether the key `{}` was created", key.key_name))
        .http(error.http_status())
        .hint("look for it among the manager's keys before running this again, and delete it there: its secret is lost")
}

/// Delivers to all sinks, or to none: where one fails, the earlier ones are withdrawn, and named where that cannot be done.
fn deliver(sinks: &mut [Box<dyn Sink>], parcel: &Parcel<'_>) -> Result<(), String> {
    for index in 0..sinks.len() {
        let Err(reason) = sinks[index].deliver(parcel) else {
            continue;
        };
        let mut failure = format!(
            "the secret could not be delivered to {}: {reason}",
            sinks[index].place()
        );
        for sink in &mut sinks[..index] {
            if let Err(reason) = sink.withdraw() {
                failure.push_str(&format!(
                    "; {} was written before and not withdrawn: {reason}",
                    sink.place()
                ));
            }
        }
        return Err(failure);
    }
    Ok(())
}

/// Deletes a key that nobody got. One that is gone already is success: the answer to an earlier try may have been lost.
async fn undo(signed_in: &SignedIn, name: &str, id: i64, failure: &str) -> Result<(), Error> {
    match signed_in.delete_api_key(id).await {
        Ok(()) => Ok(()),
        Err(error) if *error.cause() == Cause::NotFound => Ok(()),
        Err(error) => Err(Error::new(
            Kind::Attention,
            format!(
                "{failure}, and the key `{name}` (ID {id}) could not be deleted again: {error}"
            ),
        )
        .hint(format!(
            "delete the key with ID {id} on the manager: nobody has its secret"
        ))
        .key(id)),
    }
}
