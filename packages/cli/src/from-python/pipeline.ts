// `vjepa2_pipeline.py`: features, pictures, videos and a package of all of them.

import { parsePositive } from '../parse-number.ts';
import { batchOf, encoderStage, frameStages, type EncodingFlags, type FrameFlags } from './encoding.ts';
import type { PipelineFile, StageEntry } from './pipeline-file.ts';
import type { RunDate } from './run-date.ts';

export interface PipelineFlags extends EncodingFlags, FrameFlags {
  readonly outputDir: string;
  readonly umapVisualization?: boolean;
  readonly pcaVisualization?: boolean;
  readonly originalImages?: boolean;
  /** False for `--no-embeddings`. */
  readonly embeddings: boolean;
  readonly videoAnimation?: boolean;
  readonly videoFps: string;
  readonly mp4?: boolean;
  readonly gif?: boolean;
  readonly videoUmapVisualization?: boolean;
  readonly videoPcaVisualization?: boolean;
  readonly videoStackedVisualization?: boolean;
  /** False for `--no-independent-videos`. */
  readonly independentVideos: boolean;
  /** False for `--no-video-original-images`. */
  readonly videoOriginalImages: boolean;
}

type Reducer = 'umap' | 'pca';

/** UMAP makes three components, which are a colour; PCA one, which goes through a colour map. */
const colours = { umap: {}, pca: { colorMap: 'turbo' } } as const;

const tokenPictures = (reducer: Reducer): StageEntry => ({
  id: `${reducer}-pictures`,
  type: 'renderer/tokens',
  from: reducer,
  with: { cellPixels: 10, overlap: 'every', layer: reducer, ...colours[reducer] },
});

const tokenVideo = (reducer: Reducer): StageEntry => ({
  id: `${reducer}-video`,
  type: 'renderer/tokens',
  from: reducer,
  with: { cellPixels: 20, per: 'frame', layer: reducer, ...colours[reducer] },
});

const stillNames = 'frames_<first>_<last>';

/** Pictures of every window: the frames, and the colours of each step of time. */
function stills({ originalImages, umapVisualization, pcaVisualization }: PipelineFlags): StageEntry[] {
  const reducers = [...(umapVisualization ? ['umap' as const] : []), ...(pcaVisualization ? ['pca' as const] : [])];
  return [
    ...(originalImages
      ? [
          {
            id: 'original-pictures',
            type: 'renderer/frames',
            from: 'tokens',
            with: { overlap: 'every', layer: 'original' },
          },
          {
            id: 'originals',
            type: 'sink/pictures',
            with: { directory: 'visualizations', file: `${stillNames}/<layer>_t<step>_frame_<position>` },
          },
        ]
      : []),
    ...(reducers.length
      ? [
          ...reducers.map(tokenPictures),
          {
            id: 'visualizations',
            type: 'sink/pictures',
            from: reducers.map((reducer) => `${reducer}-pictures`),
            with: { directory: 'visualizations', file: `${stillNames}/<layer>_t<step>` },
          },
        ]
      : []),
  ];
}

/** The renderers of videos, and which of them are written. */
function videoRenderers(flags: PipelineFlags): { readonly stages: StageEntry[]; readonly shown: string[] } {
  const { videoOriginalImages, videoUmapVisualization, videoPcaVisualization, videoStackedVisualization } = flags;
  const panels = [
    ...(videoOriginalImages
      ? [{ id: 'original-video', type: 'renderer/frames', from: 'tokens', with: { layer: 'original' } }]
      : []),
    ...(videoUmapVisualization ? [tokenVideo('umap')] : []),
    ...(videoPcaVisualization ? [tokenVideo('pca')] : []),
  ];
  const stacked: StageEntry[] = videoStackedVisualization
    ? [
        {
          id: 'stacked-video',
          type: 'renderer/stacked',
          from: 'umap',
          with: { framePixels: 1024, opacity: 0.5, layer: 'stacked' },
        },
      ]
    : [];
  if (flags.independentVideos) {
    const stages = [...panels, ...stacked];
    return { stages, shown: stages.map(({ id }) => id) };
  }
  const combined: StageEntry[] = panels.length
    ? [
        {
          id: 'combined-video',
          type: 'renderer/panels',
          from: panels.map(({ id }) => id),
          with: { layer: 'combined', panelPixels: 480, gapPixels: 0 },
        },
      ]
    : [];
  return { stages: [...panels, ...combined, ...stacked], shown: [...combined, ...stacked].map(({ id }) => id) };
}

function videos(flags: PipelineFlags): StageEntry[] {
  const { stages, shown } = videoRenderers(flags);
  if (!flags.videoAnimation || shown.length === 0) return [];
  const fps = parsePositive('--video-fps', flags.videoFps);
  const kinds = [...(flags.mp4 || !flags.gif ? ['mp4'] : []), ...(flags.gif ? ['gif'] : [])];
  return [
    ...stages,
    ...kinds.map((kind) => ({
      id: kind,
      type: `sink/${kind}`,
      from: shown,
      with: { fps, directory: 'videos', file: 'frames_<first>_<last>_<layer>' },
    })),
  ];
}

/**
 * A third of UMAP's time is saved, and colours keep more of the neighbourhoods than those of umap-learn, which fits all
 * tokens (benchmarks/umap.md).
 */
const fittedSample = { maxFitTokens: 10_000, sampleTokens: 10_000 };

/** The pipeline of `deepearth pipeline`. */
export function pipelinePipeline(flags: PipelineFlags, { iso, compact }: RunDate): PipelineFile {
  const batchSize = batchOf(flags);
  const frames = frameStages(flags);
  const [pictures, animations] = [stills(flags), videos(flags)];
  const uses = (reducer: Reducer): boolean => [...pictures, ...animations].some(({ from }) => from === reducer);
  const files = [...pictures, ...animations].filter(({ type }) => type.startsWith('sink/'));
  return {
    name: 'pipeline',
    output: flags.outputDir,
    stages: [
      ...frames,
      encoderStage(flags, batchSize),
      {
        id: 'features',
        type: 'sink/features',
        with: { format: 'pt', directory: 'features', metadata: { extraction_timestamp: iso } },
      },
      // One fit for pictures and videos.
      ...(uses('umap') ? [{ id: 'umap', type: 'reducer/umap', from: 'tokens', with: fittedSample }] : []),
      ...(uses('pca') ? [{ id: 'pca', type: 'reducer/pca', from: 'tokens', with: { components: 1 } }] : []),
      ...pictures,
      ...animations,
      {
        id: 'package',
        type: 'sink/package',
        from: ['features', ...files.map(({ id }) => id)],
        with: {
          file: `vjepa2_output_${compact}.zip`,
          folder: 'package',
          places: { features: flags.embeddings ? 'embeddings' : false },
          metadata: {
            processing_date: iso,
            frame_range: '<first> to <last>',
            stride: frames[1]!.with!['stride'],
            batch_size: batchSize,
            options: {
              umap_visualization: Boolean(flags.umapVisualization),
              pca_visualization: Boolean(flags.pcaVisualization),
              original_images: Boolean(flags.originalImages),
              embeddings: flags.embeddings,
              videos_included: Boolean(flags.videoAnimation),
            },
          },
        },
      },
    ],
  };
}

/** What was asked for and has no effect without another flag. */
export function idleFlags(flags: PipelineFlags): string[] {
  if (flags.videoAnimation) return [];
  const given = [
    ['--mp4', flags.mp4],
    ['--gif', flags.gif],
    ['--video-umap-visualization', flags.videoUmapVisualization],
    ['--video-pca-visualization', flags.videoPcaVisualization],
    ['--video-stacked-visualization', flags.videoStackedVisualization],
  ] as const;
  return given.flatMap(([flag, on]) => (on ? [flag] : []));
}
