//! A load as a picture: four panels in one SVG.

use std::collections::BTreeSet;

use plotters::coord::Shift;
use plotters::prelude::*;

use super::report::{Moment, Report};
use super::stages::StageTimes;

/// Width and height in pixels.
const SIZE: (u32, u32) = (1200, 900);
/// Colours that also those tell apart who see few (Okabe and Ito, "Color Universal Design", 2008).
const COLORS: [RGBColor; 6] = [
    RGBColor(0, 114, 178),
    RGBColor(230, 159, 0),
    RGBColor(0, 158, 115),
    RGBColor(213, 94, 0),
    RGBColor(204, 121, 167),
    RGBColor(86, 180, 233),
];
/// The least that the panel of latencies shows, in milliseconds: a logarithm has no zero.
const LEAST_MS: f64 = 0.5;

type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;

/// A line of a panel: its name, and seconds with values.
type Line = (String, Vec<(f64, f64)>);

/// Draws it.
///
/// # Errors
/// When something can't be drawn.
pub(super) fn svg(report: &Report) -> anyhow::Result<String> {
    let mut text = String::new();
    {
        let root = SVGBackend::with_string(&mut text, SIZE).into_drawing_area();
        root.fill(&WHITE)?;
        let rate = report.rate_per_s.map_or("in a burst".to_owned(), |rate| format!("at {rate} a second"));
        let title = format!("{} posts ({}) {rate}, stage {}", report.posts, report.mix, report.stage);
        let panels = root.titled(&title, ("sans-serif", 18))?.split_evenly((2, 2));
        if let [throughput, latencies, depths, ages] = panels.as_slice() {
            lines(throughput, "Posts a second", "posts", &throughputs(&report.timeline))?;
            bars(latencies, "Time in each stage: p50, p90, p99, p99.9, max", &report.stages)?;
            lines(
                depths,
                "Messages in each queue",
                "messages",
                &queues(&report.timeline, |m, queue| m.queues.get(queue).copied().map(number)),
            )?;
            lines(
                ages,
                "Oldest message of each queue",
                "seconds",
                &queues(&report.timeline, |m, queue| m.oldest_ms.get(queue).map(|ms| number(*ms) / 1000.0)),
            )?;
        }
        root.present()?;
    }
    Ok(text)
}

/// Counts are far below 2^53.
fn number(count: u64) -> f64 {
    count as f64
}

fn throughputs(timeline: &[Moment]) -> Vec<Line> {
    let over_time = |value: &dyn Fn(&Moment) -> u64| -> Vec<(f64, f64)> {
        timeline.iter().map(|moment| (number(moment.at_s), number(value(moment)))).collect()
    };
    let statuses: BTreeSet<&String> = timeline.iter().flat_map(|moment| moment.answered.keys()).collect();
    let answered = statuses.into_iter().map(|status| {
        let count = |moment: &Moment| moment.answered.get(status).copied().unwrap_or(0);
        (format!("answered {status}"), over_time(&count))
    });
    let told = ("told".to_owned(), over_time(&|moment| moment.told));
    let sent = ("sent".to_owned(), over_time(&|moment| moment.sent));
    std::iter::once(sent).chain(answered).chain([told]).collect()
}

fn queues(timeline: &[Moment], value: impl Fn(&Moment, &str) -> Option<f64>) -> Vec<Line> {
    let names: BTreeSet<&&str> =
        timeline.iter().flat_map(|moment| moment.queues.keys().chain(moment.oldest_ms.keys())).collect();
    let line = |name: &&str| {
        let points = timeline.iter().filter_map(|m| Some((number(m.at_s), value(m, name)?))).collect();
        ((*name).to_owned(), points)
    };
    names.into_iter().map(line).collect()
}

/// The end of an axis that holds all of these values.
fn end(values: impl Iterator<Item = f64>) -> f64 {
    values.fold(1.0, f64::max) * 1.05
}

fn lines(area: &Area<'_>, title: &str, unit: &str, lines: &[Line]) -> anyhow::Result<()> {
    let points = || lines.iter().flat_map(|(_, points)| points.iter());
    let (x_end, y_end) = (end(points().map(|(x, _)| *x)), end(points().map(|(_, y)| *y)));
    let mut chart = ChartBuilder::on(area)
        .caption(title, ("sans-serif", 15))
        .margin(12)
        .x_label_area_size(36)
        .y_label_area_size(60)
        .build_cartesian_2d(0.0..x_end, 0.0..y_end)?;
    chart.configure_mesh().x_desc("seconds").y_desc(unit).light_line_style(TRANSPARENT).draw()?;
    for ((name, points), color) in lines.iter().zip(COLORS.iter().cycle()) {
        chart
            .draw_series(LineSeries::new(points.iter().copied(), color.stroke_width(2)))?
            .label(name)
            .legend(|(x, y)| PathElement::new(vec![(x, y), (x + 16, y)], color.stroke_width(2)));
    }
    if !lines.is_empty() {
        chart
            .configure_series_labels()
            .position(SeriesLabelPosition::UpperRight)
            .background_style(WHITE.mix(0.8))
            .border_style(BLACK.mix(0.2))
            .draw()?;
    }
    Ok(())
}

/// A group of bars for each stage, on a logarithmic axis.
fn bars(area: &Area<'_>, title: &str, stages: &[StageTimes]) -> anyhow::Result<()> {
    let slowest = end(stages.iter().map(|stage| stage.max_ms)).max(10.0);
    let groups = stages.len().max(2);
    let mut chart = ChartBuilder::on(area)
        .caption(title, ("sans-serif", 15))
        .margin(12)
        .x_label_area_size(36)
        .y_label_area_size(60)
        .build_cartesian_2d((0..groups - 1).into_segmented(), (LEAST_MS..slowest).log_scale())?;
    let name = |at: &SegmentValue<usize>| match at {
        SegmentValue::CenterOf(place) => stages.get(*place).map_or("", |stage| stage.stage).replace('_', " "),
        SegmentValue::Exact(_) | SegmentValue::Last => String::new(),
    };
    let mesh = &mut chart.configure_mesh();
    mesh.disable_x_mesh().x_labels(groups).x_label_formatter(&name).x_label_style(("sans-serif", 9));
    mesh.y_desc("milliseconds").light_line_style(TRANSPARENT).draw()?;
    for (place, stage) in stages.iter().enumerate() {
        let values = [stage.p50_ms, stage.p90_ms, stage.p99_ms, stage.p99_9_ms, stage.max_ms];
        for ((step, value), color) in values.into_iter().enumerate().zip(COLORS) {
            // The group is as wide as the segment; margins make five bars of it, in pixels.
            let (wide, step) = (bar_width(groups), u32::try_from(step).unwrap_or(0));
            let mut bar = Rectangle::new(
                [
                    (SegmentValue::Exact(place), LEAST_MS),
                    (SegmentValue::Exact(place + 1), value.max(LEAST_MS)),
                ],
                color.filled(),
            );
            bar.set_margin(0, 0, wide + step * wide, wide + (4 - step) * wide);
            chart.draw_series(std::iter::once(bar))?;
        }
    }
    Ok(())
}

/// A seventh of a group's width in pixels: five bars, and one's width of space on both sides.
fn bar_width(groups: usize) -> u32 {
    let plot = 500 / groups.max(1);
    u32::try_from(plot / 7).unwrap_or(1).max(1)
}
