//! What a block of a log tells: read out by whoever has time, taken in later and in order.

use std::mem::size_of;
use std::ops::Range;
use std::sync::Arc;

use monban_model::{
    Address, Also, ConnectionKey, Details, Kind, Line, QuickState, RuleId, ServiceId, Sighting,
    SourceId, Stamp, Witness,
};
use monban_rules::{Clock, Reading, RuleSet, Scratch, Sieve};
use monban_sources::archive::{Block, Lines};

use super::density::Density;
use crate::watch::{Event, Form, now, repeated};

/// A date that lies so far behind the last change of its file cannot be true.
const AHEAD_S: u64 = 86_400;

/// What a block of a log tells.
#[derive(Clone, Debug, Default)]
pub struct Page {
    /// Its lines.
    pub lines: u64,
    /// Their bytes, with the line ends.
    pub bytes: u64,
    /// Lines that were passed over, for they tell nothing.
    passed: u64,
    /// Lines of another form than their log's.
    pub misplaced: u64,
    /// Lines with a date after their file was last written.
    pub disbelieved: u64,
    /// The form of its first line that has one.
    pub form: Option<Form>,
    /// The latest time of its lines.
    pub latest: Option<Stamp>,
    /// Its last line.
    pub last: Last,
    /// What it tells, in order.
    pub tells: Vec<Tell>,
    /// For each of these, the event that other logs may tell as well; empty where there are none.
    events: Vec<Option<Event>>,
    texts: Vec<u8>,
    /// The account and the method that were kept last: they are mostly the same again.
    last_user: Span,
    last_method: Span,
}

/// Before every time.
const NEVER: Stamp = Stamp(i64::MIN);

/// The line that the next page may repeat.
#[derive(Clone, Debug, Default)]
pub enum Last {
    /// The page has no line but such as repeat the one before it.
    #[default]
    AsBefore,
    /// None.
    Nothing,
    /// This one.
    Text(Span),
}

/// Something that a page tells.
#[derive(Clone, Debug)]
pub struct Tell {
    /// The latest time of its page's lines so far; [`NEVER`] if none has one.
    pub latest: Stamp,
    what: What,
}

#[derive(Clone, Debug)]
enum What {
    Seen(Kept),
    /// A line that repeats the last one of the page before.
    Repeats(Span),
}

/// What a [`Tell`] is about.
pub enum Told<'a> {
    /// A sighting, with the event that other logs may tell as well.
    Seen(Sighting<'a>, Option<Event>),
    /// A line that repeats the last one of the page before.
    Repeats(&'a [u8]),
}

/// A place in the texts of a page.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Span {
    start: u32,
    length: u32,
}

/// A sighting, with places in the texts of its page instead of texts, in one cache line: it is
/// taken in by another processor than this one. Its line is not kept: on which lines a decision
/// rests is no part of a report.
#[derive(Clone, Debug)]
struct Kept {
    kind: Kind,
    also: Also,
    witness: Witness,
    address: Option<Address>,
    service: ServiceId,
    rule: RuleId,
    weight: u32,
    user: Span,
    method: Span,
    /// 0: none.
    connection: u64,
}

const _: () = assert!(size_of::<Tell>() <= 64);

impl Page {
    /// The room that it takes, in bytes.
    pub fn room(&self) -> usize {
        let tells = self.tells.capacity() * size_of::<Tell>();
        let events = self.events.capacity() * size_of::<Option<Event>>();
        size_of::<Self>() + tells + events + self.texts.capacity()
    }

    /// Whether hardly a line of it was read.
    pub fn is_passed_over(&self) -> bool {
        self.passed >= self.lines - self.lines / 64
    }

    /// Whether a copy of it takes much less room.
    pub fn is_rather_empty(&self) -> bool {
        self.tells.len() < self.tells.capacity() / 2
    }

    /// As it was before anything was read, with the room that it has.
    pub fn clear(&mut self) {
        let (mut tells, mut events, mut texts) = (
            std::mem::take(&mut self.tells),
            std::mem::take(&mut self.events),
            std::mem::take(&mut self.texts),
        );
        tells.clear();
        events.clear();
        texts.clear();
        *self = Self { tells, events, texts, ..Self::default() };
    }

    /// What one of its tells is about; it happened at `time`.
    #[inline]
    pub fn told(&self, at: usize, time: Stamp) -> Option<Told<'_>> {
        let kept = match &self.tells.get(at)?.what {
            What::Seen(kept) => kept,
            What::Repeats(line) => return Some(Told::Repeats(self.text(*line))),
        };
        let text = |span: Span| (span != Span::NONE).then(|| self.text(span));
        let sighting = Sighting {
            kind: kept.kind,
            time,
            address: kept.address,
            user: text(kept.user),
            method: text(kept.method),
            details: Details::default(),
            service: kept.service,
            connection: (kept.connection != 0).then_some(ConnectionKey(kept.connection)),
            witness: kept.witness,
            also: kept.also,
            rule: kept.rule,
            weight: kept.weight,
            line: &[],
        };
        Some(Told::Seen(sighting, self.events.get(at).copied().flatten()))
    }

    /// One of its texts.
    pub fn text(&self, span: Span) -> &[u8] {
        self.texts.get(span.range()).unwrap_or_default()
    }

    /// Keeps what a line tells, if it tells something. What is read is given away: on the way of
    /// most lines it need not stand in memory at all.
    #[inline(always)]
    fn keep_reading(&mut self, reading: Reading<'_>, events: Option<&QuickState>) {
        if let Some(seen) = reading.sighting {
            self.keep(seen);
            if let Some(hash) = events {
                self.keep_event(reading, hash);
            }
        }
    }

    #[inline(never)]
    fn keep_event(&mut self, reading: Reading<'_>, hash: &QuickState) {
        self.events.push(Event::of(&reading, hash));
    }

    #[inline(always)]
    fn keep(&mut self, seen: Sighting<'_>) {
        if let Some(user) = seen.user {
            self.last_user = self.keep_again(self.last_user, user);
        }
        if let Some(method) = seen.method {
            self.last_method = self.keep_again(self.last_method, method);
        }
        let kept = Kept {
            kind: seen.kind,
            also: seen.also,
            witness: seen.witness,
            address: seen.address,
            service: seen.service,
            rule: seen.rule,
            weight: seen.weight,
            user: if seen.user.is_some() { self.last_user } else { Span::NONE },
            method: if seen.method.is_some() { self.last_method } else { Span::NONE },
            connection: seen.connection.map_or(0, |connection| connection.0),
        };
        self.tell(What::Seen(kept));
    }

    fn tell(&mut self, what: What) {
        self.tells.push(Tell { latest: self.latest.unwrap_or(NEVER), what });
    }

    /// Keeps a text, if it is another one than the last.
    #[inline]
    fn keep_again(&mut self, last: Span, text: &[u8]) -> Span {
        if self.text(last) == text { last } else { self.keep_text(text) }
    }

    fn keep_text(&mut self, text: &[u8]) -> Span {
        let start = self.texts.len() as u32;
        self.texts.extend_from_slice(text);
        Span { start, length: text.len() as u32 }
    }
}

impl Span {
    /// No text is there.
    const NONE: Self = Self { start: u32::MAX, length: 0 };

    fn range(self) -> Range<usize> {
        self.start as usize..self.start as usize + self.length as usize
    }
}

/// Finds the lines that tell something in logs of a form.
pub type SieveOf<'w, 's> = &'w dyn Fn(Form) -> Option<Arc<Sieve<'s>>>;

/// How the lines of a block are to be read.
pub struct Way<'w, 's> {
    /// Its log.
    pub source: SourceId,
    /// When its file was last written.
    pub reference: Stamp,
    /// The form of its log; `None`: the first line decides.
    pub form: Option<Form>,
    /// It may be several logs one after the other: standard input.
    pub piped: bool,
    /// What finds the lines of its log that tell something.
    pub sieve_of: SieveOf<'w, 's>,
}

/// So many lines have to have the form of the first one before what tells nothing is passed over: a
/// log of another form would be passed over as a whole, without a word of it.
const AGREE: u32 = 16;

/// Who reads blocks.
pub struct Reader<'r> {
    rules: &'r RuleSet,
    clock: Clock,
    scratch: Scratch,
    again: Scratch,
    /// Other logs may tell the same events.
    events: Option<QuickState>,
}

impl<'r> Reader<'r> {
    /// Someone who reads with these rules; `events` if there are several logs.
    pub fn new(rules: &'r RuleSet, events: Option<QuickState>) -> Self {
        let (scratch, again) = (Scratch::default(), Scratch::default());
        Self { rules, clock: Clock::system(now()), scratch, again, events }
    }

    /// Reads a block into an empty page.
    pub fn read(&mut self, block: &Block, way: &Way<'_, 'r>, page: &mut Page) {
        // Before its first line: that may have no year either.
        self.clock.set_reference(way.reference);
        page.form = way.form;
        let newest = way.reference.plus_s(AHEAD_S);
        let before = Before::Nothing;
        let (sieve, agreed) = (None, if way.form.is_some() { AGREE } else { 0 });
        let mut reading = InBlock { reader: self, way, sieve, agreed, page, newest, before };
        reading.lines(block.lines());
    }
}

/// The line before, of the same block.
#[derive(Clone, Copy)]
enum Before<'a> {
    /// There is none yet that does not repeat the one before.
    Nothing,
    /// It cannot be repeated.
    Other,
    /// It.
    Line(&'a [u8]),
}

/// A block that is being read.
struct InBlock<'a, 'b, 'r> {
    reader: &'b mut Reader<'r>,
    way: &'b Way<'b, 'r>,
    /// `None` as long as the form of the log is not known.
    sieve: Option<Option<Arc<Sieve<'r>>>>,
    /// Lines of that form, up to [`AGREE`].
    agreed: u32,
    page: &'b mut Page,
    /// The latest time that is believed.
    newest: Stamp,
    before: Before<'a>,
}

impl<'a, 'r> InBlock<'a, '_, 'r> {
    fn lines(&mut self, mut lines: Lines<'a>) {
        let mut density = Density::default();
        loop {
            if density.is_low()
                && let Some(sieve) = self.sieve()
            {
                let passed = lines.pass_over(|lines| sieve.find(lines));
                density.passed(passed.count);
                self.page.lines += passed.count;
                self.page.passed += passed.count;
                self.page.bytes += passed.bytes.len() as u64;
                if let Some(last) = passed.last() {
                    self.pass(last);
                }
            }
            let Some(line) = lines.next() else { break };
            self.line(line);
        }
        self.page.last = match self.before {
            Before::Nothing => Last::AsBefore,
            Before::Other => Last::Nothing,
            Before::Line(line) => Last::Text(self.page.keep_text(line)),
        };
    }

    /// What finds the lines that tell something, as soon as that can be known.
    fn sieve(&mut self) -> Option<&Sieve<'r>> {
        if self.sieve.is_none()
            && !self.way.piped
            && self.agreed >= AGREE
            && let Some(form) = self.page.form
        {
            self.sieve = Some((self.way.sieve_of)(form));
        }
        self.sieve.as_ref()?.as_deref()
    }

    /// Lines were passed over; what has no time of its own behind them happened at that of the
    /// last one.
    fn pass(&mut self, last: &[u8]) {
        let line = self.line_of(last);
        let Reader { rules, clock, scratch, .. } = &mut *self.reader;
        let own = rules.time(&line, clock, scratch);
        self.page.latest = self.page.latest.max(own.filter(|own| *own <= self.newest));
        self.before = Before::Other;
    }

    fn line(&mut self, bytes: &'a [u8]) {
        let line = self.line_of(bytes);
        let Reader { rules, clock, scratch, again, events } = &mut *self.reader;
        let page = &mut *self.page;
        let reading = rules.read(&line, clock, scratch);
        page.lines += 1;
        page.bytes += bytes.len() as u64 + 1;
        match reading.time {
            Some(own) if own > self.newest => page.disbelieved += 1,
            own => page.latest = page.latest.max(own),
        }
        let form = Form::of(&reading, rules);
        page.form = page.form.or(form);
        if form.is_some() && form != page.form && !self.way.piped {
            page.misplaced += 1;
            self.before = Before::Other;
            return;
        }
        self.agreed += u32::from(form.is_some() && self.agreed < AGREE);
        if reading.repeats_last {
            let meant = match self.before {
                Before::Line(last) => repeats(last, &line, reading, rules, clock, again),
                Before::Other => None,
                Before::Nothing => {
                    let text = page.keep_text(bytes);
                    page.tell(What::Repeats(text));
                    page.events.extend(events.as_ref().map(|_| None));
                    None
                }
            };
            if let Some(meant) = meant {
                page.keep_reading(meant, events.as_ref());
            }
            return;
        }
        self.before = Before::Line(bytes);
        page.keep_reading(reading, events.as_ref());
    }

    fn line_of<'l>(&self, bytes: &'l [u8]) -> Line<'l> {
        Line { bytes, source: self.way.source, position: 0, arrival: Stamp::default() }
    }
}

/// What a line means that repeats `last`.
#[cold]
fn repeats<'a>(
    last: &'a [u8],
    line: &Line<'_>,
    reading: Reading<'_>,
    rules: &RuleSet,
    clock: &mut Clock,
    scratch: &'a mut Scratch,
) -> Option<Reading<'a>> {
    repeated(last, line, &reading, rules, clock, scratch)
}
