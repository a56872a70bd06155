/** The papers that advice is taken from. @module */

/** Where a statement comes from. */
export interface AdviceSource {
  /** Authors and year: `Srivastava et al. 2014`. */
  readonly paper: string;
  /** The section, table or equation. */
  readonly where: string;
  /** Where the paper is. */
  readonly url: string;
}

const cited = (paper: string, url: string) => (where: string): AdviceSource => ({ paper, where, url });

/** Srivastava, Hinton, Krizhevsky, Sutskever, Salakhutdinov, JMLR 15 (2014). */
export const srivastava = cited("Srivastava et al. 2014", "https://jmlr.org/papers/v15/srivastava14a.html");
/** Tompson, Goroshin, Jain, LeCun, Bregler, CVPR 2015. */
export const tompson = cited("Tompson et al. 2015", "https://arxiv.org/abs/1411.4280");
/** Li, Chen, Hu, Yang, CVPR 2019. */
export const li = cited("Li et al. 2019", "https://arxiv.org/abs/1801.05134");
/** Gal, Ghahramani, NIPS 2016. */
export const galRecurrent = cited("Gal, Ghahramani 2016", "https://arxiv.org/abs/1512.05287");
/** Gal, Ghahramani, ICML 2016. */
export const galBayes = cited("Gal, Ghahramani 2016", "https://arxiv.org/abs/1506.02142");
/** Merity, Keskar, Socher, ICLR 2018. */
export const merity = cited("Merity, Keskar, Socher 2018", "https://arxiv.org/abs/1708.02182");
/** Klambauer, Unterthiner, Mayr, Hochreiter, NIPS 2017. */
export const klambauer = cited("Klambauer et al. 2017", "https://arxiv.org/abs/1706.02515");
/** Vaswani et al., NIPS 2017. */
export const vaswani = cited("Vaswani et al. 2017", "https://arxiv.org/abs/1706.03762");
/** Devlin, Chang, Lee, Toutanova, NAACL 2019. */
export const devlin = cited("Devlin et al. 2019", "https://arxiv.org/abs/1810.04805");
/** Huang, Sun, Liu, Sedra, Weinberger, ECCV 2016. */
export const huang = cited("Huang et al. 2016", "https://arxiv.org/abs/1603.09382");
/** Fan, Grave, Joulin, ICLR 2020. */
export const fan = cited("Fan, Grave, Joulin 2020", "https://arxiv.org/abs/1909.11556");
/** Krizhevsky, Sutskever, Hinton, NIPS 2012. */
export const krizhevsky = cited("Krizhevsky, Sutskever, Hinton 2012", "https://doi.org/10.1145/3065386");
/** Wan, Zeiler, Zhang, LeCun, Fergus, ICML 2013. */
export const wan = cited("Wan et al. 2013", "https://proceedings.mlr.press/v28/wan13.html");
/** Liang et al., NeurIPS 2021. */
export const liang = cited("Liang et al. 2021", "https://arxiv.org/abs/2106.14448");
/** Dosovitskiy et al., ICLR 2021. */
export const dosovitskiy = cited("Dosovitskiy et al. 2021", "https://arxiv.org/abs/2010.11929");
