//! From minted to delivered: what may stand against it, and the delivery itself.

use crate::delivery::{Parcel, Sink};
use crate::error::{Error, Kind};
use crate::interrupt::Interrupt;
use crate::journal::{Record, Work};
use crate::manager::Credentials;
use crate::sign_in;

use super::{Delivered, End, Mint, Minted, Tried, ownership, take_back, try_key};

impl Mint<'_> {
    /// From minted to delivered. Until a sink has the secret, every way out undoes the key.
    pub(super) async fn hand_over(
        &mut self,
        minted: Minted,
        record: &Record,
    ) -> Result<Delivered, End> {
        let checked = match self.check(&minted, record).await {
            Ok(()) => self.deliver(&minted, record).await,
            Err(objection) => Err(objection),
        };
        minted.secret.settled.set(true);
        let Err((kind, failure)) = checked else {
            return Ok(Delivered {
                id: minted.id,
                fields: minted.fields,
                expiry_date: minted.expiry_date,
            });
        };
        match self.undo(minted.id, record, &failure).await {
            End::Settled(error) if kind == Kind::Attention => Err(End::Open(error)),
            // What the key is gone for decides, not that it is gone.
            End::Settled(_) if kind != Kind::Undelivered => {
                let message = format!(
                    "{failure}; the key `{}` (ID {}) was deleted again",
                    minted.name, minted.id
                );
                Err(End::Settled(Error::new(kind, message).key(minted.id)))
            }
            end => Err(end),
        }
    }

    async fn deliver(&mut self, minted: &Minted, record: &Record) -> Result<(), (Kind, String)> {
        let parcel = Parcel {
            secret: &minted.secret.secret,
            fields: &minted.fields,
            meta: self.meta,
        };
        // A key that existed before has lost its old secret: no signal keeps the new one from its place.
        let deaf = Interrupt::default();
        let interrupt = if record.work == Work::Rekey {
            &deaf
        } else {
            &self.context.interrupt
        };
        let delivered = deliver(&mut self.prepared.sinks, &parcel, interrupt).await;
        // A command that takes the secret ends early when a signal comes.
        let kind = interrupt
            .asked()
            .map_or(Kind::Undelivered, Kind::Interrupted);
        delivered.map_err(|failure| (kind, failure))
    }

    /// Everything that may stand against delivering: a signal, another key of the name, a secret that does not work.
    async fn check(&self, minted: &Minted, record: &Record) -> Result<(), (Kind, String)> {
        // A key that existed before has lost its old secret already: it is finished, not left.
        if record.work == Work::Create {
            self.stands_alone(minted, record).await?;
        }
        if self.verify {
            self.works(minted).await?;
        }
        match self.context.interrupt.asked() {
            Some(signal) if record.work == Work::Create => {
                Err((Kind::Interrupted(signal), "interrupted".to_owned()))
            }
            _ => Ok(()),
        }
    }

    /// The rule of the module's documentation: the lowest ID of a name stays.
    async fn stands_alone(&self, minted: &Minted, record: &Record) -> Result<(), (Kind, String)> {
        if !record.unique {
            return Ok(());
        }
        let found = (self.signed_in.api_keys_named(&record.key_name).await).map_err(|error| {
            (
                Kind::Undelivered,
                format!("whether the name is borne by one key alone could not be seen: {error}"),
            )
        })?;
        // A create that something in between sent twice: the twin is ours by its mark, and nobody has its secret.
        for twin in found
            .iter()
            .filter(|key| key.id != minted.id && ownership::is_ours(record, key))
        {
            let deleted = take_back(self.context, self.signed_in, twin.id, &record.key_name).await;
            deleted.map_err(|error| {
                let twin = format!("its twin (ID {}) could not be deleted: {error}", twin.id);
                (Kind::Attention, twin)
            })?;
        }
        let found = found.iter().filter(|key| !ownership::is_ours(record, key));
        let lower = found.clone().find(|key| {
            key.name() == Some(&record.key_name)
                && key.id < minted.id
                && !record.existing_ids.contains(&key.id)
        });
        match lower {
            None => Ok(()),
            Some(other) => Err((
                Kind::Conflict,
                format!(
                    "a key named `{}` exists already, with the ID {}: another run was first",
                    record.key_name, other.id
                ),
            )),
        }
    }

    async fn works(&self, minted: &Minted) -> Result<(), (Kind, String)> {
        let secret = minted.secret.secret.clone();
        let header = sign_in::key_header(self.context, &secret);
        let manager = self
            .context
            .manager()
            .map_err(|error| (Kind::Undelivered, error.to_string()))?;
        match try_key(&manager.with(Credentials::ApiKey { secret, header })).await {
            Tried::Works(Some(key)) if key.id != minted.id => Err((
                Kind::Undelivered,
                format!(
                    "the new secret is that of another key, with the ID {}",
                    key.id
                ),
            )),
            Tried::Works(_) => Ok(()),
            Tried::Refused(error) => Err((
                Kind::Undelivered,
                format!("the manager does not accept the new secret: {error}"),
            )),
            Tried::Unproven(error) => {
                self.context.output.warn(&format!(
                    "that the new secret works could not be proven: {error}"
                ));
                Ok(())
            }
        }
    }
}

/// Delivers to all sinks, or to none: where one fails, the earlier ones are withdrawn, and named where that cannot be done.
async fn deliver(
    sinks: &mut [Box<dyn Sink>],
    parcel: &Parcel<'_>,
    interrupt: &Interrupt,
) -> Result<(), String> {
    for index in 0..sinks.len() {
        let Err(reason) = sinks[index].deliver(parcel, interrupt).await else {
            continue;
        };
        let mut failure = format!(
            "the secret could not be delivered to {}: {reason}",
            sinks[index].place()
        );
        for sink in sinks[..index].iter_mut().rev() {
            if let Err(reason) = sink.withdraw().await {
                failure.push_str(&format!(
                    "; {} was written before and not withdrawn: {reason}",
                    sink.place()
                ));
            }
        }
        return Err(failure);
    }
    for sink in sinks {
        sink.settle();
    }
    Ok(())
}
