//! From minted to delivered: what may stand against it, and the delivery itself.

use crate::delivery::{Parcel, Sink};
use crate::error::{Error, Kind};
use crate::interrupt::Interrupt;
use crate::journal::{Record, Work};
use crate::looks::Looks;
use crate::manager::{ApiKey, Credentials, ManagerError};
use crate::sign_in;

use super::ownership::is_ours;
use super::{Delivered, End, Mint, Minted, Tried, take_back, try_key};

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

    /// The rule of the module's documentation: the lowest ID of a name stays. Twins go in any case.
    async fn stands_alone(&self, minted: &Minted, record: &Record) -> Result<(), (Kind, String)> {
        if !record.unique && !self.verify && !self.recovering {
            return Ok(());
        }
        let found = match self.shown_beside(minted).await {
            Ok(found) => found,
            Err(error) if record.unique => {
                let what = "whether the name is borne by one key alone could not be seen";
                return Err((Kind::Undelivered, format!("{what}: {error}")));
            }
            Err(error) => {
                log::info!("whether a request was worked on twice could not be seen: {error}");
                return Ok(());
            }
        };
        let twins = found
            .iter()
            .filter(|key| key.id != minted.id && is_ours(record, key));
        let ended = self.end_twins(twins.map(|twin| twin.id)).await;
        ended.map_err(|error| (Kind::Attention, error))?;
        let bears_it = |key: &&ApiKey| {
            (key.name()).is_some_and(|name| name == record.key_name || name == minted.name)
        };
        let lower = found.iter().find(|key| {
            bears_it(key)
                && key.id < minted.id
                && !is_ours(record, key)
                && !record.existing_ids.contains(&key.id)
        });
        match lower {
            Some(other) if record.unique => Err((
                Kind::Conflict,
                format!(
                    "a key named `{}` exists already, with the ID {}: another run was first",
                    record.key_name, other.id
                ),
            )),
            _ => Ok(()),
        }
    }

    /// Deletes what a request that came twice made beside the key: it is ours by its mark, and nobody has its secret.
    pub(super) async fn end_twins(
        &self,
        twins: impl IntoIterator<Item = i64>,
    ) -> Result<(), String> {
        for id in twins {
            log::warn!("a request was worked on twice; deleting the key with the ID {id}");
            let deleted = take_back(self.context, self.signed_in, id).await;
            deleted.map_err(|error| format!("its twin (ID {id}) could not be deleted: {error}"))?;
        }
        Ok(())
    }

    /// The keys that bear the name which the manager gave to this one, as soon as this one is among them: a search that lags shows then what
    /// was created before it.
    async fn shown_beside(&self, minted: &Minted) -> Result<Vec<ApiKey>, ManagerError> {
        let mut looks = Looks::new(self.context.settings.settle_timeout);
        loop {
            let found = self.signed_in.api_keys_named(&minted.name).await?;
            if found.iter().any(|key| key.id == minted.id) {
                return Ok(found);
            }
            if !looks.again().await {
                self.context.output.warn(&format!(
                    "the manager's search does not show the new key `{}` (ID {}), so whether another run made one of this name is not known",
                    minted.name, minted.id
                ));
                return Ok(found);
            }
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
