//! The picture of a report: bars by colour for services. What its axes stand for is said in the
//! text beside it, so that nothing has to be written into it.

use monban_model::limits::{DIGEST_PICTURE_MAX, DIGEST_SERVICES_MAX};

use super::bars::Bars;

/// Dots across and down: twice what a mail is wide, as phones show it.
const WIDTH: usize = 1104;
const HEIGHT: usize = 336;

/// Dots that are left free around the bars.
const MARGIN: usize = 16;

/// Lines across, the lowest and the highest with them.
const LINES: usize = 5;

/// White, the lines, the lowest line, and then the parts; by their place, red, green and blue.
const PALETTE: [[u8; 3]; 3 + DIGEST_SERVICES_MAX] = [
    [0xff, 0xff, 0xff],
    [0xe5, 0xe7, 0xeb],
    [0x6b, 0x72, 0x80],
    [0x25, 0x63, 0xeb],
    [0xf5, 0x9e, 0x0b],
    [0x10, 0xb9, 0x81],
    [0xa8, 0x55, 0xf7],
    [0xef, 0x44, 0x44],
    [0x9c, 0xa3, 0xaf],
];

/// The names of the colours of parts in the message tables.
pub(super) const COLOURS: [&str; DIGEST_SERVICES_MAX] =
    ["digest-blue", "digest-orange", "digest-green", "digest-purple", "digest-red", "digest-grey"];

/// The picture as a PNG file; `None` if there is nothing to be seen.
pub(super) fn png(bars: &Bars) -> Option<Vec<u8>> {
    bars.highest()?;
    let mut dots = Dots(vec![0; WIDTH * HEIGHT]);
    let (floor, room) = (HEIGHT - MARGIN, HEIGHT - 2 * MARGIN);
    for line in 0..LINES {
        let (at, colour) = (floor - room * line / (LINES - 1), if line == 0 { 2 } else { 1 });
        dots.fill((MARGIN, WIDTH - MARGIN), (at, at + 2), colour);
    }
    let each = (WIDTH - 2 * MARGIN) / bars.len();
    let gap = (each / 5).max(2);
    // What does not divide stands left and right.
    let left = (WIDTH - each * bars.len()) / 2;
    let top = bars.top() as f64;
    for bar in 0..bars.len() {
        let across = (left + bar * each + gap / 2, left + (bar + 1) * each - gap.div_ceil(2));
        let (mut sum, mut foot) = (0, floor);
        for (part, colour) in bars.parts.iter().zip(3..) {
            sum += part.counts[bar];
            // The least that there is can be seen.
            let high = (sum as f64 / top * room as f64).round() as usize;
            let head = floor.saturating_sub(high).min(foot - usize::from(part.counts[bar] > 0) * 2);
            dots.fill(across, (head.max(MARGIN), foot), colour);
            foot = head.max(MARGIN + 2);
        }
    }
    let file = dots.encode().ok()?;
    (file.len() <= DIGEST_PICTURE_MAX).then_some(file)
}

/// Colours by their place in the palette, row by row.
struct Dots(Vec<u8>);

impl Dots {
    fn fill(&mut self, across: (usize, usize), down: (usize, usize), colour: u8) {
        for row in down.0..down.1 {
            self.0[row * WIDTH + across.0..row * WIDTH + across.1].fill(colour);
        }
    }

    fn encode(&self) -> Result<Vec<u8>, png::EncodingError> {
        let mut file = Vec::with_capacity(4096);
        let mut encoder = png::Encoder::new(&mut file, WIDTH as u32, HEIGHT as u32);
        encoder.set_color(png::ColorType::Indexed);
        encoder.set_depth(png::BitDepth::Four);
        encoder.set_palette(PALETTE.concat());
        encoder.set_compression(png::Compression::High);
        let packed: Vec<u8> =
            self.0.chunks(2).map(|two| two[0] << 4 | two.get(1).copied().unwrap_or(0)).collect();
        let mut writer = encoder.write_header()?;
        writer.write_image_data(&packed)?;
        writer.finish()?;
        Ok(file)
    }
}

#[cfg(test)]
mod tests {
    use monban_ledger::DigestBlocks;
    use monban_model::Stamp;
    use proptest::prelude::*;

    use super::*;

    fn drawn(counts: &[(u64, u64)]) -> Option<Vec<u8>> {
        let marks = (0..25).map(|hour| Stamp::from_s(hour * 3600)).collect();
        let block = |(quarter, count): &(u64, u64)| DigestBlocks {
            quarter: *quarter,
            service: format!("service{}", quarter % 9),
            count: *count,
        };
        let blocks: Vec<DigestBlocks> = counts.iter().map(block).collect();
        png(&Bars::new(marks, &blocks, Stamp(0)))
    }

    #[test]
    fn a_picture_is_a_png_file_that_another_reads_and_a_quiet_day_has_none() {
        let file = drawn(&[(0, 3), (4, 90), (5, 7), (95, 1)]).unwrap();
        let mut reader = png::Decoder::new(std::io::Cursor::new(&file)).read_info().unwrap();
        let mut dots = vec![0; reader.output_buffer_size().unwrap()];
        let info = reader.next_frame(&mut dots).unwrap();
        assert_eq!((info.width, info.height), (1104, 336));
        // The second bar is high, the third hour empty, the last one low.
        let at = |x: usize, y: usize| dots[(y * WIDTH + x) / 2] >> (4 * (1 - x % 2)) & 15;
        assert_eq!([at(84, 200), at(130, 200), at(1070, 200), at(1070, 318)], [3, 0, 0, 4]);
        assert!(file.len() < 4096, "{}", file.len());
        assert_eq!(drawn(&[]), None);
    }

    proptest! {
        #[test]
        fn whatever_is_counted_fits(
            counts in prop::collection::vec((0..96_u64, 0..1_u64 << 50), 1..80),
        ) {
            let file = drawn(&counts);
            prop_assert!(file.is_some() || counts.iter().all(|(_, count)| *count == 0));
        }
    }
}
