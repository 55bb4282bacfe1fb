//! Plots of the table, as SVG.

use std::path::Path;

use anyhow::Context as _;
use plotters::prelude::*;

use crate::table::{Goal, Measure, Report};

const MET: RGBColor = RGBColor(0x1b, 0x7f, 0x5c);
const MISSED: RGBColor = RGBColor(0xb4, 0x3a, 0x2f);
const ROW: u32 = 22;

/// Draws how far each number is from its goal: how many times better, or worse.
///
/// # Errors
/// When the file can't be written.
pub fn goals(report: &Report, file: &Path) -> anyhow::Result<()> {
    let rows: Vec<(&Measure, f64)> =
        report.measures().filter_map(|measure| Some((measure, margin(measure)?))).collect();
    let height = ROW * u32::try_from(rows.len()).unwrap_or(u32::MAX).saturating_add(4);
    draw(&rows, file, height)
        .map_err(|error| anyhow::anyhow!("{error}"))
        .with_context(|| format!("{} can't be drawn", file.display()))
}

/// How many times better than its goal a number is: 2 for half of what is allowed; below 1 for worse.
/// `None` where that says nothing: no goal, or a goal or number of zero.
fn margin(measure: &Measure) -> Option<f64> {
    let margin = match measure.goal? {
        Goal::AtMost(most) => most / measure.value,
        Goal::AtLeast(least) => measure.value / least,
    };
    (margin.is_finite() && margin > 0.0).then_some(margin)
}

fn draw(rows: &[(&Measure, f64)], file: &Path, height: u32) -> Result<(), Box<dyn std::error::Error>> {
    let root = SVGBackend::new(file, (1000, height)).into_drawing_area();
    root.fill(&WHITE)?;
    let last = i32::try_from(rows.len())?;
    let most = rows.iter().map(|(_, margin)| margin.log2().abs()).fold(1.0, f64::max) + 1.0;
    let mut chart = ChartBuilder::on(&root)
        .caption("How many times better than its goal", ("sans-serif", 16))
        .margin(10)
        .x_label_area_size(28)
        .y_label_area_size(0)
        .build_cartesian_2d(-most * 2.0..most, 0..last)?;
    let times = |power: &f64| {
        if *power < 0.0 { format!("1/{:.0}", (-power).exp2()) } else { format!("{:.0}", power.exp2()) }
    };
    chart.configure_mesh().disable_y_mesh().disable_y_axis().x_label_formatter(&times).draw()?;
    for (place, (measure, margin)) in (0_i32..).zip(rows) {
        let at = last - 1 - place;
        let colour = if measure.is_met() == Some(true) { MET } else { MISSED };
        chart
            .draw_series([Rectangle::new([(0.0, at), (margin.log2(), at + 1)], colour.mix(0.8).filled())])?;
        let name = format!("{}: {}", measure.part, measure.name);
        chart.draw_series([Text::new(name, (-most * 2.0, at + 1), ("sans-serif", 12))])?;
    }
    root.present()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_of_what_is_allowed_is_twice_as_good() {
        let of = |value: f64| Measure::new("requests", "per add", value, "requests");
        assert_eq!(margin(&of(3.5).at_most(7.0)), Some(2.0));
        assert_eq!(margin(&of(3.5).at_least(7.0)), Some(0.5));
        assert_eq!((margin(&of(3.5)), margin(&of(0.0).at_most(0.0))), (None, None));
    }

    #[test]
    fn a_plot_names_each_goal() {
        let file = tempfile::NamedTempFile::with_suffix(".svg").unwrap();
        let measures = vec![
            Measure::new("requests", "per add", 3.5, "requests").at_most(7.0),
            Measure::new("parsing", "turned down", 1.0, "posts/s").at_least(2.0),
        ];
        let report = Report::of("", "", measures);
        goals(&report, file.path()).unwrap();
        let svg = std::fs::read_to_string(file.path()).unwrap();
        assert!(svg.contains("requests: per add") && svg.contains("parsing: turned down"), "{svg}");
    }
}
