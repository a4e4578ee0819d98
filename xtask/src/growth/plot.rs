//! A plot as SVG: a logarithmic axis to the right, and one from zero up.

use std::fmt::Write as _;

const WIDTH: f64 = 760.0;
const HEIGHT: f64 = 400.0;
const LEFT: f64 = 70.0;
const RIGHT: f64 = 45.0;
const TOP: f64 = 50.0;
const BOTTOM: f64 = 60.0;

/// Colours that people who see few colours tell apart.
const COLOURS: [&str; 3] = ["#0072b2", "#d55e00", "#009e73"];

/// One plot.
pub struct Plot {
    /// The name of its file.
    pub file: &'static str,
    /// What it shows.
    pub title: &'static str,
    /// What grows to the right.
    pub x: &'static str,
    /// What grows up, with its unit.
    pub y: &'static str,
    /// What is drawn.
    pub curves: Vec<Curve>,
}

/// One line in it.
pub struct Curve {
    /// Its name.
    pub name: &'static str,
    /// Its points, from left to right; none is at 0 or before.
    pub points: Vec<(f64, f64)>,
}

impl Plot {
    /// The text of the file.
    pub fn svg(&self) -> String {
        let mut text = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{WIDTH}\" height=\"{HEIGHT}\" \
             viewBox=\"0 0 {WIDTH} {HEIGHT}\" font-family=\"sans-serif\" font-size=\"13\">\n\
             <rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n\
             <text x=\"{LEFT}\" y=\"24\" font-size=\"16\">{}</text>\n",
            self.title
        );
        let frame = self.frame();
        frame.draw(&mut text, self.x, self.y);
        for (number, (curve, colour)) in self.curves.iter().zip(COLOURS).enumerate() {
            let mut line = String::new();
            for (x, y) in &curve.points {
                let (x, y) = (frame.x(*x), frame.y(*y));
                let _ = write!(line, "{x:.1},{y:.1} ");
                let _ = writeln!(
                    text,
                    "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"3\" fill=\"{colour}\"/>"
                );
            }
            let _ = writeln!(
                text,
                "<polyline points=\"{}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\"/>",
                line.trim_end()
            );
            if self.curves.len() > 1 {
                let y = HEIGHT - BOTTOM - 14.0 - 18.0 * number as f64;
                let x = WIDTH - RIGHT - 10.0;
                let _ = writeln!(
                    text,
                    "<text x=\"{x}\" y=\"{y}\" text-anchor=\"end\" fill=\"{colour}\">{}</text>",
                    curve.name
                );
            }
        }
        text + "</svg>\n"
    }

    fn frame(&self) -> Frame {
        let points = || self.curves.iter().flat_map(|curve| &curve.points);
        let (mut low, mut high, mut most) = (f64::MAX, 1.0_f64, 0.0_f64);
        for (x, y) in points() {
            (low, high, most) = (low.min(x.log10()), high.max(x.log10()), most.max(*y));
        }
        let low = low.min(high).floor();
        // The next 1, 2 or 5 above a sixth of the whole.
        let rough = (most / 6.0).max(1e-9);
        let power = 10f64.powf(rough.log10().floor());
        let step = [1.0, 2.0, 5.0, 10.0].map(|factor| factor * power);
        let step = step.into_iter().find(|step| *step >= rough).unwrap_or(rough);
        Frame { low, high: high.max(low + 1.0), step, most: (most / step).ceil().max(1.0) * step }
    }
}

/// From values to places.
struct Frame {
    low: f64,
    high: f64,
    step: f64,
    most: f64,
}

impl Frame {
    fn x(&self, value: f64) -> f64 {
        LEFT + (value.log10() - self.low) / (self.high - self.low) * (WIDTH - LEFT - RIGHT)
    }

    fn y(&self, value: f64) -> f64 {
        HEIGHT - BOTTOM - value / self.most * (HEIGHT - TOP - BOTTOM)
    }

    fn draw(&self, text: &mut String, x_name: &str, y_name: &str) {
        let (right, bottom) = (WIDTH - RIGHT, HEIGHT - BOTTOM);
        let mut value = 0.0;
        while value <= self.most + self.step / 2.0 {
            let y = self.y(value);
            let _ = writeln!(
                text,
                "<path d=\"M{LEFT} {y:.1}H{right}\" stroke=\"#ddd\"/>\
                 <text x=\"{}\" y=\"{:.1}\" text-anchor=\"end\">{value}</text>",
                LEFT - 8.0,
                y + 4.0
            );
            value += self.step;
        }
        let mut power = self.low;
        while power <= self.high + 0.01 {
            let x = self.x(10f64.powf(power));
            let _ = writeln!(
                text,
                "<path d=\"M{x:.1} {TOP}V{bottom}\" stroke=\"#ddd\"/>\
                 <text x=\"{x:.1}\" y=\"{}\" text-anchor=\"middle\">{}</text>",
                bottom + 20.0,
                10f64.powf(power)
            );
            power += 1.0;
        }
        let _ = writeln!(
            text,
            "<text x=\"{right}\" y=\"{}\" text-anchor=\"end\">{x_name}</text>\
             <text x=\"{LEFT}\" y=\"42\">{y_name}</text>",
            HEIGHT - 14.0
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_lie_within_the_frame() {
        let points = vec![(10.0, 100.0), (100.0, 250.0), (1_000.0, 401.0)];
        let plot = Plot {
            file: "a.svg",
            title: "a",
            x: "x",
            y: "y",
            curves: vec![Curve { name: "c", points }],
        };
        let frame = plot.frame();
        assert_eq!((frame.low, frame.step, frame.most), (1.0, 100.0, 500.0));
        assert_eq!((frame.x(10.0), frame.x(1_000.0)), (LEFT, WIDTH - RIGHT));
        assert_eq!((frame.y(0.0), frame.y(500.0)), (HEIGHT - BOTTOM, TOP));
        let svg = plot.svg();
        assert!(svg.starts_with("<svg") && svg.ends_with("</svg>\n"));
        assert_eq!(svg.matches("<circle").count(), 3);
    }
}
