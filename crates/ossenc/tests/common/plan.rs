//! A plan as one would make it by hand: chunk after chunk, without a formula.

use std::ops::Range;

use ossenc::{Extent, Layout};

/// Where a chunk is: its plaintext in the segment, what is read of the body for it, and its tag if that is apart.
struct Chunk {
    plain: Range<u64>,
    body: Range<u64>,
    tag: Range<u64>,
}

/// A segment laid down, one chunk after the other.
#[derive(Default)]
struct Laid {
    chunks: Vec<Chunk>,
    body_len: u64,
    aside_len: u64,
}

impl Laid {
    fn new(layout: Layout, plain_len: u64) -> Laid {
        let mut laid = Laid::default();
        match layout {
            Layout::Inline => laid.body_len = 56,
            Layout::Detached => laid.aside_len = 56,
            _ => {}
        }
        let (mut plain_at, mut group_begins_with) = (0, 0);
        loop {
            let len = 16_384.min(plain_len - plain_at);
            let tag_behind = if layout == Layout::Inline { 16 } else { 0 };
            let body = laid.body_len..laid.body_len + len + tag_behind;
            let tag = if layout == Layout::Detached { laid.aside_len..laid.aside_len + 16 } else { 0..0 };
            (laid.body_len, laid.aside_len) = (body.end, tag.end);
            laid.chunks.push(Chunk { plain: plain_at..plain_at + len, body, tag });
            plain_at += len;
            let last = len < 16_384;
            if layout == Layout::Paged && (last || laid.chunks.len() - group_begins_with == 256) {
                laid.end_group(group_begins_with);
                group_begins_with = laid.chunks.len();
            }
            if last {
                return laid;
            }
        }
    }

    /// Zeros up to the next page, then a page of tags.
    fn end_group(&mut self, begins_with: usize) {
        while !self.body_len.is_multiple_of(4_096) {
            self.body_len += 1;
        }
        let mut tag_at = self.body_len;
        for chunk in &mut self.chunks[begins_with..] {
            chunk.tag = tag_at..tag_at + 16;
            tag_at += 16;
        }
        self.body_len += 4_096;
    }
}

/// What plans of these segments, in that order, have to say. All chunks are walked, so the segments are small.
pub fn plan(segments: &[(Layout, u64)], trusted: bool, offset: u64, len: u64, align: u64) -> Vec<Extent> {
    let asked_end = u128::from(offset) + u128::from(len);
    let total: u64 = segments.iter().map(|(_, plain_len)| plain_len).sum();
    let proves_end = !trusted && asked_end >= u128::from(total);
    let (mut extents, mut begins) = (vec![], 0);
    for (index, (layout, plain_len)) in segments.iter().enumerate() {
        let laid = Laid::new(*layout, *plain_len);
        let tags_within = if *layout == Layout::Detached { laid.aside_len } else { laid.body_len };
        let mut run: Option<(Extent, Range<u64>, Range<u64>)> = None;
        for (number, chunk) in laid.chunks.iter().enumerate() {
            let from = (begins + chunk.plain.start).max(offset);
            let to = u128::from(begins + chunk.plain.end).min(asked_end) as u64;
            let take = to.saturating_sub(from);
            let last = number + 1 == laid.chunks.len();
            if take == 0 && !(last && proves_end) {
                continue;
            }
            if let Some((extent, body, tags)) = &mut run
                && body.end == chunk.body.start
            {
                extent.take += take;
                extent.last = last;
                (body.end, tags.end) = (chunk.body.end, chunk.tag.end);
                continue;
            }
            extents.extend(
                run.take().map(|(extent, body, tags)| round(extent, body, tags, laid.body_len, tags_within, align)),
            );
            let skip = if take > 0 { from - begins - chunk.plain.start } else { 0 };
            let extent = Extent { segment: index as u32, last, chunk: number as u64, skip, take, ..Extent::default() };
            run = Some((extent, chunk.body.clone(), chunk.tag.clone()));
        }
        extents.extend(run.map(|(extent, body, tags)| round(extent, body, tags, laid.body_len, tags_within, align)));
        begins += plain_len;
    }
    extents
}

/// Fills in what is to be read for a run, rounded out to the alignment.
fn round(extent: Extent, body: Range<u64>, tags: Range<u64>, body_len: u64, tags_within: u64, align: u64) -> Extent {
    let outwards = |range: &Range<u64>, within: u64| {
        let align = align.max(1);
        let (mut start, mut end) = (range.start, range.end);
        start -= start % align;
        if !end.is_multiple_of(align) {
            end = within.min(end.saturating_add(align - end % align));
        }
        (start, end - start)
    };
    let (body_off, body_read) = outwards(&body, body_len);
    let (aside_off, aside) = if tags.is_empty() { (0, 0) } else { outwards(&tags, tags_within) };
    Extent { body_off, body: body_read, aside_off, aside, lead: body.start - body_off, ..extent }
}
