#include "threads.h"

#if defined(__x86_64__) || defined(__i386__)
#include <immintrin.h>
#endif

namespace chainrule {

namespace {

constexpr int kSpins = 2000;  // some 30 µs; then the other thread has lost its core: let it run
constexpr int kWaits = 4000;  // about a millisecond: between two runs there is a little Python

void pause() {
#if defined(__x86_64__) || defined(__i386__)
    _mm_pause();
#elif defined(__aarch64__)
    asm volatile("yield");
#endif
}

void spin(int i) {
    if (i < kSpins) pause();
    else std::this_thread::yield();
}

}  // namespace

Team::Team(int threads) : size_(threads) {
    try {
        for (int i = 1; i < size_; ++i) threads_.emplace_back([this, i] { serve(i); });
    } catch (...) {  // the system gives no more threads
        stop();
        throw;
    }
}

Team::~Team() { stop(); }

void Team::stop() {
    {
        std::lock_guard<std::mutex> lock(mutex_);
        stopping_ = true;
    }
    wake_.notify_all();
    for (std::thread& thread : threads_) thread.join();
}

void Team::run(const std::function<void(int)>& work) {
    if (size_ == 1) return work(0);
    {
        std::lock_guard<std::mutex> lock(mutex_);
        work_ = &work;
        ++generation_;
    }
    wake_.notify_all();
    work(0);
    barrier();  // the others may still be inside `work`
}

void Team::serve(int thread) {
    long seen = 0;
    while (true) {
        const std::function<void(int)>* work;
        for (int i = 0; i < kWaits && generation_ == seen && !stopping_; ++i) spin(i);
        {
            std::unique_lock<std::mutex> lock(mutex_);
            wake_.wait(lock, [&] { return stopping_ || generation_ != seen; });
            if (stopping_) return;
            seen = generation_;
            work = work_;
        }
        (*work)(thread);
        barrier();
    }
}

long Team::arrive() {
    const long round = round_.load(std::memory_order_acquire);
    if (arrived_.fetch_add(1, std::memory_order_acq_rel) == size_ - 1) {
        arrived_.store(0, std::memory_order_relaxed);
        round_.store(round + 1, std::memory_order_release);
    }
    return round;
}

void Team::wait(long round) const {
    for (int i = 0; !passed(round); ++i) spin(i);
}

}  // namespace chainrule
