"""t-SNE with NumPy on a few made-up flowers."""
import numpy as np


def collect_dataset():
    rng = np.random.default_rng(6)
    centres = np.array([[5.0, 3.4, 1.5, 0.2], [5.9, 2.8, 4.3, 1.3], [6.6, 3.0, 5.6, 2.0]])
    labels = np.repeat(np.arange(3), 10)
    return centres[labels] + 0.3 * rng.standard_normal((30, 4)), labels


def compute_pairwise_affinities(data_matrix, sigma=1.0):
    n_samples = data_matrix.shape[0]
    squared_sum = np.sum(np.square(data_matrix), axis=1)
    squared_distance = np.add(
        np.add(-2 * np.dot(data_matrix, data_matrix.T), squared_sum).T, squared_sum
    )
    affinity_matrix = np.exp(-squared_distance / (2 * sigma**2))
    np.fill_diagonal(affinity_matrix, 0)
    affinity_matrix /= np.sum(affinity_matrix)
    return (affinity_matrix + affinity_matrix.T) / 2


def compute_low_dim_affinities(embedding_matrix):
    squared_sum = np.sum(np.square(embedding_matrix), axis=1)
    numerator_matrix = 1 / (
        1
        + np.add(
            np.add(-2 * np.dot(embedding_matrix, embedding_matrix.T), squared_sum).T,
            squared_sum,
        )
    )
    np.fill_diagonal(numerator_matrix, 0)
    return numerator_matrix / np.sum(numerator_matrix), numerator_matrix


def kl_divergence(p, q):
    return np.sum(p * np.log(p / q))


def apply_tsne(data_matrix, n_components=2, learning_rate=5.0, n_iter=60):
    n_samples = data_matrix.shape[0]
    rng = np.random.default_rng(0)
    embedding = rng.standard_normal((n_samples, n_components)) * 0.1

    high_dim_affinities = compute_pairwise_affinities(data_matrix)
    high_dim_affinities = np.maximum(high_dim_affinities, 1e-12)

    embedding_increment = np.zeros_like(embedding)
    momentum = 0.5

    for iteration in range(n_iter):
        low_dim_affinities, numerator_matrix = compute_low_dim_affinities(embedding)
        low_dim_affinities = np.maximum(low_dim_affinities, 1e-12)

        # attraction where P > Q, repulsion where P < Q
        affinity_diff = high_dim_affinities - low_dim_affinities
        gradient = 4 * (
            np.dot((affinity_diff * numerator_matrix), embedding)
            - np.multiply(
                np.sum(affinity_diff * numerator_matrix, axis=1)[:, np.newaxis],
                embedding,
            )
        )

        embedding_increment = momentum * embedding_increment + learning_rate * gradient
        embedding += embedding_increment

        if iteration == int(n_iter / 4):
            momentum = 0.8
        if iteration % 10 == 0:
            print(iteration, kl_divergence(high_dim_affinities, low_dim_affinities))

    return embedding


def main():
    features, _labels = collect_dataset()
    embedding = apply_tsne(features)
    print("first 5 points:")
    print(embedding[:5])


if __name__ == "__main__":
    main()
