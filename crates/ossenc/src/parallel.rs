//! Whole segments over the threads of a rayon pool: sealing by tickets, opening by pieces.

use alloc::vec::Vec;

use rayon::prelude::*;

use crate::layout::{GROUP_CHUNKS, Layout};
use crate::map::Map;
use crate::message::size::{CHUNK_LEN, HEAD_LEN};
use crate::pieces::Slices;
use crate::tickets::Ticket;
use crate::{Error, Object, Receipt, Result};

/// Chunks that a thread takes at a time: 256 KiB, or for PAGED a group. Tens of microseconds of work, so that handing it
/// out costs nothing beside, and a segment of a MiB still occupies some threads.
pub(crate) const fn share(layout: Layout) -> usize {
    match layout {
        Layout::Inline | Layout::Detached => 16,
        Layout::Paged => GROUP_CHUNKS,
    }
}

impl Object {
    /// As [`Object::seal`], over the threads of the rayon pool that it is called in: the same layouts, lengths and
    /// receipt. From 512 KiB (PAGED: 8 MiB) on there is work for a second thread.
    ///
    /// # Errors
    /// As [`Object::seal`].
    pub fn seal_parallel(
        &self,
        part: u32,
        layout: Layout,
        plain: &[u8],
        body: &mut [u8],
        aside: &mut [u8],
    ) -> Result<Receipt> {
        let (body, aside) = exact(layout, plain.len(), body, aside)?;
        let share = share(layout);
        let tickets = plain.len() / (share * CHUNK_LEN);
        let count = u32::try_from(tickets.max(1)).map_err(|_| Error::Argument("too long for one segment"))?;
        let sealer = self.ticket_sealer(part, layout, count, u32::try_from(share).expect("a constant"))?;

        let (body_head, aside_head) = match layout {
            Layout::Inline => (HEAD_LEN, 0),
            Layout::Detached => (0, HEAD_LEN),
            Layout::Paged => (0, 0),
        };
        let (body_head, body) = body.split_at_mut(body_head);
        let (aside_head, aside) = aside.split_at_mut(aside_head);
        let work = (0..tickets).map(|_| sealer.reserve()).collect::<Result<Vec<Ticket>>>()?;
        let (shares, plain_tail) = plain.split_at(tickets * share * CHUNK_LEN);
        let (body, body_tail) = body.split_at_mut(work.iter().map(|ticket| ticket.body).sum());
        let (aside, aside_tail) = aside.split_at_mut(work.iter().map(|ticket| ticket.aside).sum());

        let mut jobs = Vec::with_capacity(tickets);
        let (mut bodies, mut asides) = (body, aside);
        for (ticket, plain) in work.iter().zip(shares.chunks(share * CHUNK_LEN)) {
            let (body, aside);
            (body, bodies) = bodies.split_at_mut(ticket.body);
            (aside, asides) = asides.split_at_mut(ticket.aside);
            jobs.push((ticket, plain, body, aside));
        }
        jobs.into_par_iter().try_for_each(|(ticket, plain, body, aside)| {
            sealer.run(ticket, &mut Slices::new(plain, body).writing_aside(aside))
        })?;

        let (_, receipt) = sealer.finish(&mut Slices::new(plain_tail, body_tail).writing_aside(aside_tail))?;
        for head in [body_head, aside_head] {
            head.copy_from_slice(&receipt.head[..head.len()]);
        }
        Ok(receipt)
    }

    /// As [`Object::open_segment`], over the threads of the rayon pool that it is called in. Of several damaged chunks
    /// the error names the first.
    ///
    /// # Errors
    /// As [`Object::open_segment`].
    pub fn open_segment_parallel(
        &self,
        map: &Map,
        segment: u32,
        body: &[u8],
        aside: &[u8],
        plain: &mut [u8],
    ) -> Result<()> {
        self.whole_opener(map, segment, body, aside)?.open_whole_parallel(body, aside, plain)
    }
}

/// The places of the stored bytes, cut to their lengths.
fn exact<'a>(
    layout: Layout,
    plain_len: usize,
    body: &'a mut [u8],
    aside: &'a mut [u8],
) -> Result<(&'a mut [u8], &'a mut [u8])> {
    let (body_len, aside_len) = layout.size(plain_len as u64)?;
    let cut = |place: &'a mut [u8], len: u64| {
        let needed = usize::try_from(len).map_err(|_| Error::Argument("too long for this machine"))?;
        place.get_mut(..needed).ok_or(Error::Buffer { needed })
    };
    Ok((cut(body, body_len)?, cut(aside, aside_len)?))
}
