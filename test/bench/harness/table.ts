import { type Measured, median, type Outcome, type Target } from './scenario.ts'

const HEADINGS = ['id', 'what', 'ours', 'limit', 'ours / limit', 'target', 'verdict']

export function table(outcomes: readonly Outcome[]): string {
  const rows = [HEADINGS, ...outcomes.map(row)]
  const widths = HEADINGS.map((_, column) => Math.max(...rows.map((cells) => cells[column]?.length ?? 0)))
  const lines = rows.map((cells) =>
    cells
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  )
  lines.splice(1, 0, widths.map((width) => '-'.repeat(width)).join('  '))
  return [...lines, '', ...outcomes.flatMap(notes)].join('\n')
}

function row({ scenario, ours, limit, fault }: Outcome): string[] {
  const { id, what, unit, target } = scenario
  if (fault !== undefined || ours.length === 0) return [id, what, '', '', '', '', 'not measured']
  const comparison = compared(ours, limit, target?.of === 'difference' ? 'difference' : 'ratio')
  const figure = target?.of === 'ours' ? median(ours.map(({ value }) => value)) : comparison.middle
  return [
    id,
    what,
    number(median(ours.map(({ value }) => value)), unit),
    limit.length === 0 ? '' : number(median(limit.map(({ value }) => value)), unit),
    limit.length === 0 ? '' : comparison.text(unit),
    target ? targetText(target, unit) : '',
    target ? verdict(target, figure) : '',
  ]
}

/**
 * The median of the rounds' own ratios (or differences): the two figures of a round were taken right after each other,
 * under the same load of the machine. In brackets the smallest and the largest.
 */
function compared(ours: readonly Measured[], limit: readonly Measured[], by: 'ratio' | 'difference') {
  const each = limit.map(({ value }, round) => {
    const own = ours[round]?.value ?? Number.NaN
    return by === 'ratio' ? own / value : own - value
  })
  const middle = median(each)
  const [least, most] = [Math.min(...each), Math.max(...each)]
  const text = (unit: string) =>
    by === 'ratio'
      ? `${middle.toFixed(2)}x (${least.toFixed(2)}-${most.toFixed(2)})`
      : `${signed(middle, unit)} (${Math.round(least)} to ${Math.round(most)})`
  return { middle, text }
}

function targetText(target: Target, unit: string): string {
  const [sign, value] = 'atLeast' in target ? ['>=', target.atLeast] : ['<=', target.atMost]
  if (target.of === 'ratio') return `${sign} ${value}x`
  return `${sign} ${target.of === 'difference' ? signed(value, unit) : number(value, unit)}`
}

function verdict(target: Target, figure: number): string {
  const reached = 'atLeast' in target ? figure >= target.atLeast : figure <= target.atMost
  return reached ? 'reached' : 'MISSED'
}

function notes({ scenario, ours, limit, fault }: Outcome): string[] {
  if (fault !== undefined) return [`${scenario.id}: ${fault}`]
  const [own, other] = [ours.at(-1)?.note, limit.at(-1)?.note]
  return [own && `${scenario.id} ours: ${own}`, other && `${scenario.id} limit: ${other}`].filter(
    (line) => line !== undefined,
  )
}

function number(value: number, unit: string): string {
  return `${value.toLocaleString('en', { maximumFractionDigits: value < 10 ? 2 : 0 })} ${unit}`
}

function signed(value: number, unit: string): string {
  return `${value < 0 ? '-' : '+'}${number(Math.abs(value), unit)}`
}
