// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import {IAggregatorV3} from "./interfaces/IAggregatorV3.sol";
import {IFeedPriceOracle} from "./interfaces/IFeedPriceOracle.sol";
import {IPriceOracle} from "./interfaces/IPriceOracle.sol";
import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {IERC20Metadata} from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Metadata.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";

/// @title PriceOracle
/// @notice Behaviour, units and errors are documented on `IFeedPriceOracle`.
contract PriceOracle is IFeedPriceOracle, AccessManaged {
    using SafeCast for uint256;

    /// @param source Feed.
    /// @param maxAge Seconds an answer may be old.
    /// @param exponent Power of ten that turns an answer into a price.
    struct Feed {
        address source;
        uint32 maxAge;
        int16 exponent;
    }

    struct Observation {
        uint64 timestamp;
        uint128 price;
    }

    /// @dev One slot, because every settlement reads it.
    struct Average {
        uint128 price;
        uint64 observedAt;
        bool complete;
    }

    uint32 public constant OBSERVATIONS = 24;
    uint256 private constant MAX_WEIGHT_INTERVALS = 2;
    /// @dev Intervals after which an average that nobody renewed admits no risk.
    uint256 private constant MAX_SILENCE_INTERVALS = 6;
    uint256 private constant MAX_WINDOW = 7 days;
    uint256 private constant MIN_MAX_AGE = 1 minutes;
    uint256 private constant MAX_MAX_AGE = 7 days;
    uint256 private constant MAX_DECIMALS = 36;
    uint256 private constant BPS = 10_000;
    /// @dev Prices are for 1e18 base units of stake.
    int16 private constant PRICE_EXPONENT = 18;

    uint32 public immutable WINDOW;
    uint32 public immutable INTERVAL;
    int16 private immutable TOKENS_EXPONENT;

    Feed private _feed;
    Average private _average;
    /// @dev The next observation goes to `_observed % OBSERVATIONS`.
    uint256 private _observed;
    Observation[OBSERVATIONS] private _observations;

    constructor(
        address manager,
        IERC20Metadata stakeToken,
        IERC20Metadata feeToken,
        address source,
        uint32 maxAge,
        uint32 window
    ) AccessManaged(manager) {
        require(address(stakeToken) != address(0) && address(feeToken) != address(0), PriceOracle_ZeroAddress());
        _requireWithin("window", window, OBSERVATIONS, MAX_WINDOW);
        WINDOW = window;
        INTERVAL = window / OBSERVATIONS;
        TOKENS_EXPONENT = _decimals(feeToken.decimals()) + PRICE_EXPONENT - _decimals(stakeToken.decimals());
        emit PriceOracleConfigured(address(stakeToken), address(feeToken), window);
        _changeFeed(source, maxAge);
    }

    /// @inheritdoc IFeedPriceOracle
    function update() external {
        uint256 notBefore = uint256(_average.observedAt) + INTERVAL;
        require(block.timestamp >= notBefore, PriceOracle_ObservedRecently(notBefore));
        (uint256 price, bool fresh) = _answer();
        require(fresh, PriceOracle_NoAnswer(_feed.source));
        (uint256 observed, uint64 timestamp) = (_observed, uint64(block.timestamp));
        (uint256 mean, bool complete) = _weigh(observed, price);
        _observations[observed % OBSERVATIONS] = Observation({timestamp: timestamp, price: price.toUint128()});
        _observed = observed + 1;
        _average = Average({price: mean.toUint128(), observedAt: timestamp, complete: complete});
        emit PriceObserved(price, mean, complete);
    }

    /// @inheritdoc IFeedPriceOracle
    function changeFeed(address source, uint32 maxAge) external restricted {
        _changeFeed(source, maxAge);
    }

    /// @inheritdoc IPriceOracle
    function collateralPrice() external view returns (uint256 price, bool fresh) {
        (price, fresh) = _answer();
        Average memory mean = _average;
        if (mean.observedAt == 0) return (price, false);
        if (price == 0) price = _observations[(_observed - 1) % OBSERVATIONS].price;
        price = Math.min(price, mean.price);
        fresh = fresh && mean.complete && block.timestamp - mean.observedAt <= MAX_SILENCE_INTERVALS * uint256(INTERVAL);
    }

    /// @inheritdoc IPriceOracle
    function fallBps() external view returns (uint256) {
        (uint256 spot,) = _answer();
        uint256 mean = _average.price;
        if (spot == 0 || spot >= mean) return 0;
        return Math.mulDiv(mean - spot, BPS, mean, Math.Rounding.Ceil);
    }

    /// @inheritdoc IFeedPriceOracle
    function feed() external view returns (address current, uint32 maxAge) {
        return (_feed.source, _feed.maxAge);
    }

    /// @inheritdoc IFeedPriceOracle
    function average() external view returns (uint256 price, uint64 observedAt, bool complete) {
        Average memory mean = _average;
        return (mean.price, mean.observedAt, mean.complete);
    }

    function _changeFeed(address source, uint32 maxAge) private {
        require(source != address(0), PriceOracle_ZeroAddress());
        _requireWithin("maxAge", maxAge, MIN_MAX_AGE, MAX_MAX_AGE);
        int16 exponent = TOKENS_EXPONENT - _decimals(IAggregatorV3(source).decimals());
        emit FeedChanged(_feed.source, source, _feed.maxAge, maxAge);
        _feed = Feed({source: source, maxAge: maxAge, exponent: exponent});
        (uint256 price,) = _answer();
        require(price != 0, PriceOracle_NoAnswer(source));
    }

    /// @dev Average over the window up to the observation numbered `newest`, rounded down; the price itself where nothing
    ///      was observed before. Called before that one takes the place of the oldest.
    function _weigh(uint256 newest, uint256 price) private view returns (uint256 mean, bool complete) {
        uint256 end = block.timestamp;
        uint256 opensAt = end - Math.min(end, WINDOW);
        uint256 sum = 0;
        uint256 weights = 0;
        for (uint256 i = 1; i <= OBSERVATIONS && i <= newest && end > opensAt; ++i) {
            Observation memory earlier = _observations[(newest - i) % OBSERVATIONS];
            uint256 duration = end - Math.max(earlier.timestamp, opensAt);
            uint256 weight = Math.min(duration, MAX_WEIGHT_INTERVALS * uint256(INTERVAL));
            sum += earlier.price * weight;
            weights += weight;
            end = earlier.timestamp;
        }
        mean = weights == 0 ? price : sum / weights;
        complete = weights * 2 >= WINDOW;
    }

    /// @dev Price by the feed's newest answer, zero when it has none that makes sense. Never reverts, whatever the feed does:
    ///      what depends on a price must be able to go on with the last known one.
    function _answer() private view returns (uint256 price, bool fresh) {
        Feed memory from = _feed;
        (bool success, bytes memory data) = from.source.staticcall(abi.encodeCall(IAggregatorV3.latestRoundData, ()));
        if (!success || data.length < 5 * 32) return (0, false);
        (uint256 round, int256 answer,, uint256 updatedAt, uint256 answeredInRound) =
            abi.decode(data, (uint256, int256, uint256, uint256, uint256));
        if (answer <= 0 || updatedAt == 0 || updatedAt > block.timestamp || answeredInRound < round) return (0, false);
        uint256 scale = 10 ** uint256(int256(from.exponent < 0 ? -from.exponent : from.exponent));
        // Positive, as was just seen.
        // forge-lint: disable-next-line(unsafe-typecast)
        price = from.exponent < 0 ? uint256(answer) / scale : Math.saturatingMul(uint256(answer), scale);
        if (price > type(uint128).max) return (0, false);
        fresh = price != 0 && block.timestamp - updatedAt <= from.maxAge;
    }

    function _decimals(uint8 decimals) private pure returns (int16) {
        _requireWithin("decimals", decimals, 0, MAX_DECIMALS);
        return int16(uint16(decimals));
    }

    function _requireWithin(bytes32 name, uint256 value, uint256 min, uint256 max) private pure {
        require(value >= min && value <= max, PriceOracle_OutOfRange(name, value, min, max));
    }
}
